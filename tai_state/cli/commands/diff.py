"""``diff``: what lies between two versions of a state."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import click

from tai_state import ChangeMetadata, Event, StateMachinePersister, StateSnapshot, StateStore
from tai_state.cli.program.command import Command
from tai_state.cli.program.output import moment, note, put, write_list
from tai_state.cli.program.session import Session, pass_session
from tai_state.cli.program.tables import Column
from tai_state.cli.program.texts import json_line, printable
from tai_state.values import Difference, differences, to_json

VERSION = click.IntRange(min=1)


class AtVersion(NamedTuple):
    """A state at one version: what it was, and who made it so, when and why."""

    version: int
    timestamp: datetime
    metadata: ChangeMetadata
    content: Mapping[str, Any]

    def line(self) -> str:
        """Return it as a line for people."""
        reason = f": {self.metadata.reason}" if self.metadata.reason else ""
        # Who made a version that was erased is erased, too.
        author = f", by {self.metadata.changed_by}" if self.metadata.changed_by else ""
        return f"version {self.version:,}, {moment(self.timestamp)}{author}{reason}"

    def record(self) -> dict[str, object]:
        """Return it as a JSON object."""
        return {
            "version": self.version,
            "timestamp": self.timestamp.isoformat(),
            "changed_by": self.metadata.changed_by,
            "reason": self.metadata.reason,
        }


def _of(made: Event | StateSnapshot, status: str, data: Any) -> AtVersion:
    content = {
        "status": status,
        "data": data,
        "deleted": made.deleted,
        "last_error": made.last_error,
        "schema_version": made.schema_version,
        "machine": None if made.machine_name is None else f"{made.machine_name}@{made.machine_version}",
        "depends_on": list(made.depends_on),
    }
    return AtVersion(made.version, made.timestamp, made.metadata, content)


def at_version(store: StateStore, governor: str, state: str, version: int) -> AtVersion:
    """Return a state as it was at *version*, by the event that made it.

    Raises:
        StateNotFoundError: It never was.
        VersionNotFoundError: It never had that version.
        CorruptLogError: The event is missing or damaged, and so is what could stand for it.
    """
    for event in store.get_events(governor, state, after=version - 1, until=version, limit=1):
        return _of(event, event.to_status, event.to_state)
    # The whole log tells what it is that is not there.
    found = StateMachinePersister(store).replay(governor, state, until_version=version)
    return _of(found, found.status, found.data)


_COLUMNS: list[Column[Difference]] = [
    Column("", lambda row: row.kind, is_whole=True),
    Column("what", lambda row: row.place),
    Column("before", lambda row: "" if row.kind == "added" else _text(row.old)),
    Column("after", lambda row: "" if row.kind == "removed" else _text(row.new)),
]


def _text(value: Any) -> str:
    return json.dumps(json.loads(to_json(value)), ensure_ascii=False)


@click.command(cls=Command, examples=["tai-state --store sqlite:///i.db diff shop-1 order-17 1 2"])
@click.argument("governor")
@click.argument("state")
@click.argument("first", type=VERSION, metavar="V1")
@click.argument("second", type=VERSION, metavar="V2")
@pass_session
def diff(session: Session, governor: str, state: str, first: int, second: int) -> None:
    """Show what lies between two versions of a state, path by path.

    Indices of lists are those of version V1, but for what was added: it stands where it is in V2. With --json it is one
    object, its "differences" in an order in which each can be applied to what the ones before it made of V1.
    """
    with session.reading() as store:
        old, new = (at_version(store, governor, state, version) for version in (first, second))
    found = differences(dict(old.content), dict(new.content))
    if session.as_json:
        record = {
            "governor_id": governor,
            "state_id": state,
            "from": old.record(),
            "to": new.record(),
            "differences": list(map(_record, found)),
        }
        put(json_line(record))
        return
    for one in (old, new):
        put(printable(one.line()))
    if not write_list(found, _COLUMNS, as_json=False, record=_record):
        note("no difference")


def _record(one: Difference) -> dict[str, object]:
    sides = {"old": one.old} if one.kind != "added" else {}
    sides |= {"new": one.new} if one.kind != "removed" else {}
    return {"kind": one.kind, "path": list(one.path), **{side: json.loads(to_json(sides[side])) for side in sides}}
