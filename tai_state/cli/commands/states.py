"""``states``: the states of a governor."""

import click

from tai_state import StateSnapshot
from tai_state.cli.program.command import Command
from tai_state.cli.program.governors import check_governor
from tai_state.cli.program.options import LIMIT
from tai_state.cli.program.output import moment, note, record_of, write_list
from tai_state.cli.program.session import Session, pass_session
from tai_state.cli.program.tables import Column

_STATE_COLUMNS: list[Column[StateSnapshot]] = [
    Column("state", lambda state: state.state_id),
    Column("status", lambda state: f"{state.status} (deleted)" if state.deleted else state.status),
    Column("version", lambda state: state.version, is_number=True),
    Column("time", lambda state: moment(state.timestamp), is_whole=True),
    Column("by", lambda state: state.metadata.changed_by),
]


@click.command(cls=Command, examples=["tai-state --store sqlite:///i.db states shop-1 --status paid --limit 20"])
@click.argument("governor")
@click.option("--status", help="Only the states in this status.")
@click.option("--limit", type=LIMIT, help="The most states to list.")
@click.option("--deleted", is_flag=True, help="Deleted states too.")
@pass_session
def states(session: Session, governor: str, status: str | None, limit: int | None, *, deleted: bool) -> None:
    """List the states of a governor."""
    with session.reading() as store:
        found = store.list_states(governor, status=status, limit=limit, include_deleted=deleted)
        if not write_list(found, _STATE_COLUMNS, as_json=session.as_json, record=record_of):
            check_governor(store, governor)
            note(f"no state of governor {governor!r} is like that")
