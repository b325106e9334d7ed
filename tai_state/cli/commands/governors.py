"""``governors``: the governors of a store."""

import click

from tai_state.cli.program.command import Command
from tai_state.cli.program.options import LIMIT
from tai_state.cli.program.output import note, write_list
from tai_state.cli.program.session import Session, pass_session
from tai_state.cli.program.tables import Column


@click.command(cls=Command, examples=["tai-state --store sqlite:///i.db governors"])
@click.option("--limit", type=LIMIT, help="The most governors to list.")
@pass_session
def governors(session: Session, limit: int | None) -> None:
    """List the governors."""
    with session.reading() as store:
        found = store.list_governors(limit=limit)
        columns = [Column("governor", str)]
        if not write_list(found, columns, as_json=session.as_json, record=lambda governor: {"governor_id": governor}):
            note("the store has no governors")
