"""``history``: the changes of a state."""

import click

from tai_state import Event, StateNotFoundError
from tai_state.cli.program.command import Command
from tai_state.cli.program.options import LIMIT
from tai_state.cli.program.output import moment, note, record_of, write_list
from tai_state.cli.program.session import Session, pass_session
from tai_state.cli.program.tables import Column

_EVENT_COLUMNS: list[Column[Event]] = [
    Column("version", lambda event: event.version, is_number=True),
    Column("time", lambda event: moment(event.timestamp), is_whole=True, is_first_to_go=True),
    Column("action", lambda event: event.action),
    Column("from -> to", lambda event: f"{event.from_status or ''} -> {event.to_status}".lstrip()),
    Column("by", lambda event: event.metadata.changed_by),
    Column("reason", lambda event: event.metadata.reason),
]


@click.command(
    cls=Command,
    examples=[
        "tai-state --store sqlite:///i.db history shop-1 order-17",
        "tai-state --store sqlite:///i.db history shop-1 order-17 --after 1 --limit 10",
    ],
)
@click.argument("governor")
@click.argument("state")
@click.option("--after", type=LIMIT, default=0, metavar="N", help="Begin behind version N.")
@click.option("--limit", type=LIMIT, help="The most changes to list.")
@pass_session
def history(session: Session, governor: str, state: str, after: int, limit: int | None) -> None:
    """List the changes of a state, the first one first."""
    with session.reading() as store:
        events = store.get_events(governor, state, after=after, limit=limit)
        if write_list(events, _EVENT_COLUMNS, as_json=session.as_json, record=record_of):
            return
        if not any(True for _ in store.get_events(governor, state, limit=1)):
            raise StateNotFoundError(governor, state)
        note("no change is like that")
