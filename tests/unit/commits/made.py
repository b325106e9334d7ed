"""States and events for the tests of the rules, as the rules themselves make them: no store."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tai_state import KEEP, Machine, Transition
from tai_state.authors import Author
from tai_state.codec import EMPTY
from tai_state.config import Encoding
from tai_state.documents import Document, DocumentPath, Put
from tai_state.layout import StateLayout, state_layout
from tai_state.rules.commits.change import Change, Fresh, Head, Plan, Settings, View
from tai_state.rules.commits.decide import decide, writes_of
from tai_state.rules.commits.kinds import Call, transition_change
from tai_state.rules.commits.starting import start_change
from tai_state.rules.records.record import Marks, StateRecord

START = datetime(2026, 1, 1, tzinfo=UTC)
PATHS = state_layout("g", "s")
SETTINGS = Settings(Encoding(), None, timedelta(days=1))
TURNSTILE = Machine(
    "turnstile", "shut", [Transition("pay", "shut", "open"), Transition("push", "open", "shut")], version=2
)


def at(seconds: float) -> datetime:
    """Return the moment so long after the start."""
    return START + timedelta(seconds=seconds)


def call(paths: StateLayout = PATHS, **options: Any) -> Call:
    """Return what every request has."""
    return Call(paths, Author("ann", "why", EMPTY), **options)


def fresh(version: int) -> Fresh:
    """Return what the change that makes *version* is given from outside."""
    return Fresh(at(version), f"transition-{version}", "store-1", f"{version:032x}")


def plan(change: Change, head: Head | None = None, settings: Settings = SETTINGS) -> Plan:
    """Return the commit that makes *change* of *head*."""
    version = head.record.version + 1 if head is not None else 1
    decided = decide(change, View(head, "store-1"), fresh(version), settings)
    assert isinstance(decided, Plan)
    return decided


def head_of(made: Plan, marks: Marks | None = None) -> Head:
    """Return the head that a commit leaves, with other *marks*."""
    record = made.record if marks is None else replace(made.record, marks=marks)
    return Head(record, at(record.version))


def lived(
    versions: int,
    *,
    machine: Machine[Any] = TURNSTILE,
    data: Any = None,
    actions: tuple[str, ...] = ("pay", "push"),
    paths: StateLayout = PATHS,
) -> list[Plan]:
    """Return the commits of a state that was started, and then moved by *actions* in turn."""
    plans = [plan(start_change(call(paths), machine, {} if data is None else data))]
    for number in range(1, versions):
        move = transition_change(call(paths), machine, actions[(number - 1) % len(actions)], None, KEEP)
        plans.append(plan(move, head_of(plans[-1])))
    return plans


def state_at(version: int, marks: Marks | None = None) -> StateRecord:
    """Return a state at *version*, which lived up to there in no time."""
    record = lived(1)[0].record
    return replace(record, version=version, marks=marks or Marks())


def document(write: Put, seconds: float, path: DocumentPath | None = None) -> Document:
    """Return what a store makes of a write so long after the start."""
    return Document(path or write.path, dict(write.fields), at(seconds), at(seconds))


def put(made: Plan, path: DocumentPath) -> Put:
    """Return the write of a commit at *path*."""
    (found,) = (write for write in writes_of(made) if write.path == path)
    assert isinstance(found, Put)
    return found
