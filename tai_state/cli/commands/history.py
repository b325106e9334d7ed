"""``history``: the changes of a state."""

import click

from tai_state import Event, HistoryTrimmedError, StateNotFoundError, StateStore
from tai_state.cli.program.command import Command
from tai_state.cli.program.event_columns import WHAT_HAPPENED
from tai_state.cli.program.options import LIMIT
from tai_state.cli.program.output import moment, note, record_of, write_list, write_live
from tai_state.cli.program.session import Session, pass_session
from tai_state.cli.program.tables import Column
from tai_state.cli.program.waiting import answered

_SAMPLE = 50
"""The changes of before that decide how wide the columns of those to come are."""

_EVENT_COLUMNS: list[Column[Event]] = [
    Column("version", lambda event: event.version, is_number=True),
    Column("time", lambda event: moment(event.timestamp), is_whole=True, is_first_to_go=True),
    *WHAT_HAPPENED,
]


@click.command(
    cls=Command,
    examples=[
        "tai-state --store sqlite:///i.db history shop-1 order-17",
        "tai-state --store sqlite:///i.db history shop-1 order-17 --after 1 --limit 10",
        "tai-state --store sqlite:///i.db history shop-1 order-17 --follow --limit 2",
    ],
)
@click.argument("governor")
@click.argument("state")
@click.option("--after", type=LIMIT, default=0, metavar="N", help="Begin behind version N.")
@click.option("--limit", type=LIMIT, help="The most changes to list.")
@click.option("--follow", is_flag=True, help="Go on with those that come, until Ctrl-C.")
@pass_session
def history(session: Session, governor: str, state: str, after: int, limit: int | None, *, follow: bool) -> None:
    """List the changes of a state, the first one first.

    With --follow each change that comes is listed soon after it was made, once; with --limit it ends behind so many.
    """
    show = _follow if follow else _list
    with session.reading() as store:
        try:
            show(session, store, governor, state, after=after, limit=limit)
        except HistoryTrimmedError as error:
            # Before the first change was written: who asks for all is given all that there is.
            if after:
                raise
            note(f"versions up to {error.trimmed_through:,} were trimmed")
            show(session, store, governor, state, after=error.trimmed_through, limit=limit)


def _list(session: Session, store: StateStore, governor: str, state: str, *, after: int, limit: int | None) -> None:
    events = store.get_events(governor, state, after=after, limit=limit)
    if write_list(events, _EVENT_COLUMNS, as_json=session.as_json, record=record_of):
        return
    _check_state(store, governor, state)
    note("no change is like that")


def _check_state(store: StateStore, governor: str, state: str) -> None:
    try:
        is_there = any(True for _ in store.get_events(governor, state, limit=1))
    except HistoryTrimmedError:
        return  # it has a history, of which the rest is left
    if not is_there:
        raise StateNotFoundError(governor, state)


def _follow(session: Session, store: StateStore, governor: str, state: str, *, after: int, limit: int | None) -> None:
    most = _SAMPLE if limit is None else min(limit, _SAMPLE)
    sample = list(store.get_events(governor, state, after=after, limit=most))
    # A state that never was would be waited for, for ever, where its name is only mistyped.
    if not sample:
        _check_state(store, governor, state)
    # The store has answered: from here on nothing comes because nothing happens.
    answered()
    last = sample[-1].version if sample else after
    coming = store.follow(governor, state, after=last)
    write_live(sample, coming, _EVENT_COLUMNS, limit=limit, as_json=session.as_json, record=record_of)
