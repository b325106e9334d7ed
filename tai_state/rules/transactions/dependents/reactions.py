"""Reactions: whom a change concerns, and what they do about it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from tai_state.errors import (
    ConfigurationError,
    DependentMachineError,
)
from tai_state.layout import StateLayout
from tai_state.models import KEEP
from tai_state.rules.commits.change import Alone, Change, Target
from tai_state.rules.commits.kinds import AnyMachine, Call, as_data, fitting, transition_change
from tai_state.rules.history.upcasting import Schema
from tai_state.rules.records.record import EventRecord, Signal, StateRecord
from tai_state.rules.transactions.dependents.marks import driver

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
        # States are stamped with the name: with two of one name nobody could tell which drives a state.
        if known.setdefault(one.name, one) != one:
            message = f"two different machines are called {one.name!r}; a persister moves each state by one of them"
            raise ConfigurationError(message)
    return known


def signals_of(record: StateRecord) -> tuple[Signal, ...]:
    """Return what the dependents of a state may react to: its status, and what put it there, the nearest first."""
    return (Signal(record.state_id, record.status), *record.signals)


def concerned(dependents: Mapping[str, str], machines: Machines, signals: Sequence[Signal]) -> list[str]:
    """Return the marked dependents that may react to *signals*: those of an unknown machine may to any."""
    statuses = {signal.status for signal in signals}
    reacting = {
        name
        for name in set(dependents.values())
        # Of a machine that is not known here nobody can say that it would not react, so it counts as one that may.
        if name and (name not in machines or any(map(machines[name].reaction_to, statuses)))
    }
    return [dependent_id for dependent_id, name in dependents.items() if name in reacting]


def enters(before: StateRecord | None, event: EventRecord) -> bool:
    """Whether a move of a machine brought its state into another status, or into life."""
    # What was only recorded (log, save, rollback) was decided elsewhere, reactions included.
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
    # What the caller's own machine makes is of the caller's version; of another machine's data it knows none.
    own = cause.machine is not None and cause.machine.name == mark.name
    schema = cause.schema if own else Schema(dependent.schema_version)
    call = Call(paths, cause.author, schema=schema, notice=cause.notice)
    changes: dict[str, Change] = {}
    for source in sources:
        machine = machines.get(mark.name)
        # An older definition may lack the reaction that the newer one has: guessing would lose it.
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
    target_of = change.target_of

    def reacting(state: StateRecord | None) -> Target:
        return replace(target_of(state), signals=tuple(nearest.values()))

    reaction = replace(change, kind="reaction", target_of=reacting)
    return reaction if machine.data_type is None else fitting(reaction, as_data(machine))
