"""Dependents: whom a change concerns, what they do about it, and the cycles that must not be.

A state that depends on others names them in ``depends_on``; each of those carries a mark of it, so that a move
knows whom it concerns. The marks follow from ``depends_on``: a mark that is missing can be made again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from tai_state.errors import (
    ConfigurationError,
    CorruptLogError,
    DependencyCycleError,
    DependentMachineError,
    StateNotFoundError,
)
from tai_state.layout import StateLayout
from tai_state.models import KEEP
from tai_state.rules.changes import Alone, Change, Target
from tai_state.rules.records import EventRecord, Signal, StateRecord
from tai_state.rules.requests import AnyMachine, Call, as_data, fitting, transition_change

Machines = Mapping[str, AnyMachine]
"""The machines that a persister knows, by name."""

NO_MACHINES: Machines = {}

_MOVES = frozenset({"start", "transition", "reaction"})


class NotAloneError(Exception):
    """A change concerns other states: it is made in one commit with theirs."""


def known_machines(machine: AnyMachine | None, others: Iterable[AnyMachine]) -> Machines:
    """Return the machines by name.

    Raises:
        ConfigurationError: Two different ones have one name.
    """
    known: dict[str, AnyMachine] = {}
    for one in (*(() if machine is None else (machine,)), *others):
        if known.setdefault(one.name, one) != one:
            message = f"two different machines are called {one.name!r}; a persister moves each state by one of them"
            raise ConfigurationError(message)
    return known


# Marks


def driver(record: StateRecord | EventRecord) -> str:
    """Return the name of the machine that drives a state; "" for none."""
    return record.machine.name if record.machine else ""


def marked(dependency: StateRecord, dependent_id: str, machine: str) -> StateRecord:
    """Return *dependency* with the mark of a dependent; itself where it has that mark."""
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
    if dependent.deleted or dependent.machine is None:
        return False
    return dependency.marks.dependents.get(dependent.state_id) != driver(dependent)


# Who is concerned


def signals_of(record: StateRecord) -> tuple[Signal, ...]:
    """Return what the dependents of a state may react to: its status, and what put it there, the nearest first."""
    return (Signal(record.state_id, record.status), *record.signals)


def concerned(dependents: Mapping[str, str], machines: Machines, signals: Sequence[Signal]) -> list[str]:
    """Return the marked dependents that may react to *signals*: those of an unknown machine may to any."""
    statuses = {signal.status for signal in signals}
    reacting = {
        name
        for name in set(dependents.values())
        if name and (name not in machines or any(map(machines[name].reaction_to, statuses)))
    }
    return [dependent_id for dependent_id, name in dependents.items() if name in reacting]


def enters(before: StateRecord | None, event: EventRecord) -> bool:
    """Whether a move of a machine brought its state into another status, or into life."""
    if event.kind not in _MOVES or event.deleted:
        return False
    return before is None or before.deleted or before.status != event.to_status


def attaches(before: StateRecord | None, event: EventRecord) -> bool:
    """Whether a change makes a state depend on others, so that they must be marked."""
    if not event.depends_on or event.deleted:
        return False
    return before is None or before.deleted or driver(before) != driver(event)


def alone_with(machines: Machines) -> Alone:
    """Return the check that a change concerns its own state only, as nearly all do."""

    def check(before: StateRecord | None, event: EventRecord) -> None:
        if attaches(before, event):
            raise NotAloneError
        dependents = before.marks.dependents if before is not None else {}
        if dependents and enters(before, event) and concerned(dependents, machines, signals_of(event.state())):
            raise NotAloneError

    return check


# What is found


def check_dependency(record: StateRecord | None, paths: StateLayout, *, may_be_deleted: bool) -> StateRecord:
    """Return a dependency that is there.

    Raises:
        StateNotFoundError: It is not, or it is deleted.
    """
    if record is None or (record.deleted and not may_be_deleted):
        raise StateNotFoundError(paths.governor_id, paths.state_id, deleted=record is not None)
    return record


def depends(record: StateRecord | None, paths: StateLayout, dependency_id: str) -> bool:
    """Whether a state that is marked as a dependent still is one, and alive.

    Raises:
        CorruptLogError: Its document is gone, so nobody can tell.
    """
    if record is None:
        reason = f"the state document is missing, though state {dependency_id!r} has it among its dependents"
        raise CorruptLogError(paths.governor_id, paths.state_id, None, reason)
    return not record.deleted and dependency_id in record.depends_on


class Ancestry:
    """The way up from a state's dependencies, level by level, in search of the state itself."""

    def __init__(self, state_id: str, depends_on: Sequence[str]) -> None:
        """Begin at the dependencies of *state_id*."""
        self._state_id = state_id
        self._below = dict.fromkeys(depends_on, state_id)
        self.level: list[str] = list(self._below)

    def climb(self, records: Iterable[StateRecord | None]) -> None:
        """Go on from the *records* of the level to what they depend on, each state once; tombstones end it.

        Raises:
            DependencyCycleError: The state itself is there.
        """
        above: list[str] = []
        for record in records:
            if record is None or record.deleted:
                continue
            for dependency_id in record.depends_on:
                if dependency_id == self._state_id:
                    raise DependencyCycleError(self._cycle(record.state_id))
                if dependency_id not in self._below:
                    self._below[dependency_id] = record.state_id
                    above.append(dependency_id)
        self.level = above

    def _cycle(self, top: str) -> list[str]:
        cycle = [self._state_id]
        while top != self._state_id:
            cycle.append(top)
            top = self._below[top]
        return [self._state_id, *reversed(cycle)]


# What they do


def reactions(
    dependent: StateRecord, paths: StateLayout, sources: Iterable[StateRecord], machines: Machines, cause: Change
) -> list[Change]:
    """Return the changes that *dependent* may make in reaction to *sources*: the first that is allowed is made.

    Args:
        sources: States that it depends on, each as it stands now.
        cause: The change that began it all: its author is theirs, too.

    Raises:
        DependentMachineError: The dependent's machine is unknown, or known in an older version only.
    """
    mark = dependent.machine
    if mark is None:
        return []
    call = Call(paths, cause.metadata, schema_version=dependent.schema_version)
    changes: dict[str, Change] = {}
    for source in sources:
        machine = machines.get(mark.name)
        if machine is None or machine.version < mark.version:
            raise DependentMachineError(paths.governor_id, paths.state_id, source.state_id, str(mark))
        signals = signals_of(source)
        for signal in signals:
            action = machine.reaction_to(signal.status)
            if action is not None and action not in changes:
                changes[action] = _reaction(call, machine, action, signal, signals)
    return list(changes.values())


def _reaction(call: Call, machine: AnyMachine, action: str, signal: Signal, signals: Sequence[Signal]) -> Change:
    # What came from further away with the same status adds nothing.
    nearest: dict[str, Signal] = {}
    for one in signals:
        nearest.setdefault(one.status, one)
    change = transition_change(call, machine, action, {"state_id": signal.state_id, "status": signal.status}, KEEP)
    decide = change.decide

    def reacting(state: StateRecord | None) -> Target:
        return replace(decide(state), signals=tuple(nearest.values()))

    checked = reacting if machine.data_type is None else fitting(reacting, as_data(machine))
    return replace(change, kind="reaction", decide=checked)
