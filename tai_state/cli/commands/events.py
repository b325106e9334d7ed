"""``events``: what happened in a governor, by time."""

import re
from datetime import datetime

import click

from tai_state import Event, StateStore, SystemClock
from tai_state.cli.program.command import Command
from tai_state.cli.program.event_columns import WHAT_HAPPENED
from tai_state.cli.program.governors import check_governor
from tai_state.cli.program.options import LIMIT, aware_time
from tai_state.cli.program.output import moment, note, record_of, write_list
from tai_state.cli.program.progress import progressing
from tai_state.cli.program.session import Session, pass_session
from tai_state.cli.program.tables import Column

_PLACE = re.compile(r"(?P<state>.+)@(?P<version>[0-9]{1,19})", re.DOTALL)

_COLUMNS: list[Column[Event]] = [
    Column("time", lambda event: moment(event.timestamp), is_whole=True),
    Column("state", lambda event: event.state_id),
    Column("version", lambda event: event.version, is_number=True),
    *WHAT_HAPPENED,
]


@click.command(
    cls=Command,
    examples=[
        "tai-state --store sqlite:///i.db events shop-1",
        "tai-state --store sqlite:///i.db events shop-1 --since 2026-03-31T00:00:00Z --until 2026-04-01T00:00:00Z",
        "tai-state --store sqlite:///i.db events shop-1 --action paid --limit 20",
        "tai-state --store sqlite:///i.db events shop-1 --after order-17@1 --limit 20",
    ],
)
@click.argument("governor")
@click.option("--since", callback=aware_time, metavar="TIME", help="From this time on: ISO 8601 with an offset.")
@click.option("--until", callback=aware_time, metavar="TIME", help="Up to this time, it included.")
@click.option("--action", help="Only events of this action.")
@click.option("--by", help="Only changes that this author made.")
@click.option("--after", metavar="STATE@VERSION", help="Go on behind this event, the last one of a page.")
@click.option("--limit", type=LIMIT, help="The most events to list.")
@pass_session
def events(
    session: Session,
    governor: str,
    *,
    since: datetime | None,
    until: datetime | None,
    action: str | None,
    by: str | None,
    after: str | None,
    limit: int | None,
) -> None:
    """List the events of all states of a governor, in the order of their time.

    They are found by their time; --action and --by leave out some of those that are read. What that cost is said on
    stderr: how many documents were read.
    """
    read = 0
    with session.reading() as store, progressing(SystemClock(), "events") as progress:

        def on_read(count: int) -> None:
            nonlocal read
            read = count
            progress("reading", count, None)

        place = None if after is None else _event_at(store, governor, after)
        found = store.find_events(
            governor,
            since=since,
            until=until,
            action=action,
            changed_by=by,
            after=place,
            limit=limit,
            progress=on_read,
        )
        try:
            is_any = write_list(found, _COLUMNS, as_json=session.as_json, record=record_of)
        finally:
            # Also where it failed on the way: what was read costs.
            if read:
                note(f"{read:,} event documents read")
        if not store.finds_all_events(governor):
            note("events whose documents were removed are in sealed segments alone, and not listed: see history")
        if not is_any:
            check_governor(store, governor)
            note("no event is like that")


def _event_at(store: StateStore, governor: str, place: str) -> Event:
    parts = _PLACE.fullmatch(place)
    if parts is None or not int(parts["version"]):
        raise click.BadParameter(f"{place!r} is no STATE@VERSION", param_hint="--after")
    version = int(parts["version"])
    for event in store.get_events(governor, parts["state"], after=version - 1, until=version, limit=1):
        return event
    raise click.BadParameter(f"there is no event {place!r} in governor {governor!r}", param_hint="--after")
