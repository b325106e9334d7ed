"""Marks: each state that others depend on names them, so that a move knows whom it concerns."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from tai_state.errors import (
    CorruptLogError,
)
from tai_state.layout import StateLayout
from tai_state.rules.records.record import EventRecord, StateRecord


def driver(record: StateRecord | EventRecord) -> str:
    """Return the name of the machine that drives a state; "" for none."""
    return record.machine.name if record.machine else ""


def marked(dependency: StateRecord, dependent_id: str, machine: str) -> StateRecord:
    """Return *dependency* with the mark of a dependent; itself where it has that mark."""
    # The same record says that nothing is to be written: a write that changes nothing would move no time.
    if dependency.marks.dependents.get(dependent_id) == machine:
        return dependency
    return _with_dependents(dependency, {**dependency.marks.dependents, dependent_id: machine})


def unmarked(dependency: StateRecord, gone: Iterable[str]) -> StateRecord:
    """Return *dependency* without the marks of states that depend on it no more."""
    left = dict(dependency.marks.dependents)
    for dependent_id in gone:
        left.pop(dependent_id, None)
    return _with_dependents(dependency, left)


def _with_dependents(record: StateRecord, dependents: Mapping[str, str]) -> StateRecord:
    return replace(record, marks=replace(record.marks, dependents=dependents))


def mark_is_lost(dependent: StateRecord, dependency: StateRecord) -> bool:
    """Whether *dependency*, which a live state names in its ``depends_on``, has no mark of it."""
    # Only a live state that a machine drives can react, so only such a one is missed.
    if dependent.deleted or dependent.machine is None:
        return False
    return dependency.marks.dependents.get(dependent.state_id) != driver(dependent)


def depends(record: StateRecord | None, paths: StateLayout, dependency_id: str) -> bool:
    """Whether a state that is marked as a dependent still is one, and alive.

    Raises:
        CorruptLogError: Its document is gone, so nobody can tell.
    """
    # A mark outlives a dependent whose document was lost; passing it over would hide the loss.
    if record is None:
        reason = f"the state document is missing, though state {dependency_id!r} has it among its dependents"
        raise CorruptLogError(paths.governor_id, paths.state_id, None, reason)
    return not record.deleted and dependency_id in record.depends_on
