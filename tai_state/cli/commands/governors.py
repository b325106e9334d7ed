"""``governors``: the governors of a store."""

import click

from tai_state.cli.program.command import Command
from tai_state.cli.program.options import KINDS, LIMIT
from tai_state.cli.program.output import note, write_list
from tai_state.cli.program.session import Session, pass_session
from tai_state.cli.program.tables import Column
from tai_state.keys import OwnGovernor


@click.command(
    cls=Command,
    examples=["tai-state --store sqlite:///i.db governors", "tai-state --store sqlite:///i.db governors --kind keys"],
)
@click.option("--kind", type=KINDS, help="keys, sagas: list the groups of keys, or the governors of sagas, instead.")
@click.option("--limit", type=LIMIT, help="The most governors to list.")
@pass_session
def governors(session: Session, kind: str | None, limit: int | None) -> None:
    """List the governors."""
    with session.reading() as store:
        found = (_name(one) for one in store.list_governors(kind=kind, limit=limit))
        columns = [Column("governor", str)]
        if not write_list(found, columns, as_json=session.as_json, record=lambda governor: {"governor_id": governor}):
            note("the store has no governors" if kind is None else f"the store has none of {kind}")


def _name(governor: str) -> str:
    """Return what a governor is called, one of the package's own by what ``--kind`` goes with."""
    return governor.name if isinstance(governor, OwnGovernor) else governor
