"""The commands that read: governors, states, show, history, stats."""

import json
from collections.abc import Iterator
from datetime import datetime

import click

from tai_state import Event, StateMachinePersister, StateNotFoundError, StateSnapshot, StateStore, StoreStats
from tai_state.cli.commands import Command
from tai_state.cli.failures import GovernorNotFoundError
from tai_state.cli.output import Column, moment, note, record_of, write_list, write_one
from tai_state.cli.session import Session, pass_session
from tai_state.codec import to_json

_LIMIT = click.IntRange(min=0)


def aware_time(context: click.Context, parameter: click.Parameter, value: str | None) -> datetime | None:
    """Return the time that *value* is; a text that is none in ISO 8601, or has no offset, is bad usage."""
    del context, parameter  # click adds where it is to the error by itself
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError as error:
        message = f"{value!r} is no time in ISO 8601, such as 2026-03-31T15:00:00+00:00"
        raise click.BadParameter(message) from error
    if found.utcoffset() is None:
        message = f"{value!r} has no offset: add Z for UTC, or one such as +02:00"
        raise click.BadParameter(message)
    return found


@click.command(cls=Command, examples=["tai-state --store sqlite:///i.db governors"])
@click.option("--limit", type=_LIMIT, help="The most governors to list.")
@pass_session
def governors(session: Session, limit: int | None) -> None:
    """List the governors."""
    with session.reading() as store:
        found = store.list_governors(limit=limit)
        columns = [Column("governor", str)]
        if not write_list(found, columns, as_json=session.as_json, record=lambda governor: {"governor_id": governor}):
            note("the store has no governors")


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
@click.option("--limit", type=_LIMIT, help="The most states to list.")
@click.option("--deleted", is_flag=True, help="Deleted states too.")
@pass_session
def states(session: Session, governor: str, status: str | None, limit: int | None, *, deleted: bool) -> None:
    """List the states of a governor."""
    with session.reading() as store:
        found = store.list_states(governor, status=status, limit=limit, include_deleted=deleted)
        if not write_list(found, _STATE_COLUMNS, as_json=session.as_json, record=record_of):
            _check_governor(store, governor)
            note(f"no state of governor {governor!r} is like that")


def _check_governor(store: StateStore, governor: str) -> None:
    if not any(True for _ in store.list_states(governor, limit=1, include_deleted=True)):
        raise GovernorNotFoundError(governor)


@click.command(
    cls=Command,
    examples=[
        "tai-state --store sqlite:///i.db show shop-1 order-17",
        "tai-state --store sqlite:///i.db show shop-1 order-17 --version 2",
        "tai-state --store sqlite:///i.db show shop-1 order-17 --at 2026-03-31T15:00:00+00:00",
    ],
)
@click.argument("governor")
@click.argument("state")
@click.option("--version", type=click.IntRange(min=1), metavar="N", help="As it was at version N.")
@click.option("--at", callback=aware_time, metavar="TIME", help="As it was at TIME: ISO 8601 with an offset.")
@pass_session
def show(session: Session, governor: str, state: str, version: int | None, at: datetime | None) -> None:
    """Show a state as it is, or as its events say that it was."""
    if version is not None and at is not None:
        message = "--version and --at exclude each other"
        raise click.UsageError(message)
    with session.reading() as store:
        persister = StateMachinePersister(store)
        if version is None and at is None:
            loaded = persister.load_state(governor, state)
            snapshot = loaded.snapshot
            if loaded.recovered:
                note("the state's document is missing or damaged; this is what its events say")
        else:
            snapshot = persister.replay(governor, state, until_version=version, until_time=at)
    write_one(_fields_of(snapshot), as_json=session.as_json, record=record_of(snapshot))


def _fields_of(state: StateSnapshot) -> dict[str, object]:
    made_by = f"{state.machine_name} (machine version {state.machine_version})" if state.machine_name else None
    return {
        "governor": state.governor_id,
        "state": state.state_id,
        "status": f"{state.status} (deleted)" if state.deleted else state.status,
        "version": state.version,
        "time": moment(state.timestamp),
        "created": moment(state.created_at),
        "by": state.metadata.changed_by,
        "reason": state.metadata.reason,
        "last error": state.last_error,
        "machine": made_by,
        "data": json.dumps(json.loads(to_json(state.data)), ensure_ascii=False, indent=2),
    }


_EVENT_COLUMNS: list[Column[Event]] = [
    Column("version", lambda event: event.version, is_number=True),
    Column("time", lambda event: moment(event.timestamp), is_whole=True),
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
@click.option("--after", type=_LIMIT, default=0, metavar="N", help="Begin behind version N.")
@click.option("--limit", type=_LIMIT, help="The most changes to list.")
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


_STATS_COLUMNS: list[Column[StoreStats]] = [
    Column("governor", lambda found: found.governor_id),
    Column("states", lambda found: found.states, is_number=True),
    Column("deleted", lambda found: found.deleted, is_number=True),
    Column("events", lambda found: found.events, is_number=True),
    Column("by status", lambda found: ", ".join(f"{name} {count:,}" for name, count in found.by_status.items())),
]


@click.command(
    cls=Command, examples=["tai-state --store sqlite:///i.db stats", "tai-state --store sqlite:///i.db stats shop-1"]
)
@click.argument("governor", required=False)
@pass_session
def stats(session: Session, governor: str | None) -> None:
    """Count the states and events of a governor, or of each."""
    with session.reading() as store:
        if governor is None:
            if not write_list(_all_stats(store), _STATS_COLUMNS, as_json=session.as_json, record=record_of):
                note("the store has no governors")
            return
        found = store.stats(governor)
        if not found.states + found.deleted:
            raise GovernorNotFoundError(governor)
    fields = {column.title: column.cell(found) for column in _STATS_COLUMNS}
    write_one(fields, as_json=session.as_json, record=record_of(found))


def _all_stats(store: StateStore) -> Iterator[StoreStats]:
    for governor in store.list_governors():
        yield store.stats(governor)
