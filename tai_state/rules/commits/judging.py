"""What a machine says of changes that it does not make: where else a state may be brought, and what got in.

A state that a machine moved has its stamp. Whoever knows the machine refuses what it would not let stand: a status
that it does not have, and the way out of one that is terminal. Who does not know it brings the state nowhere else.
``force`` passes; what repairs or copies documents is no change, and stands beneath.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from tai_state.errors import InvalidDataError, SchemaVersionError, TransitionNotAllowedError, UpcastError
from tai_state.rules.commits.change import Change, Target
from tai_state.rules.commits.kinds import PASSES, AnyMachine, as_data, check_machine, stamp
from tai_state.rules.history.upcasting import Schema
from tai_state.rules.records.record import MachineStamp, StateRecord

Machines = Mapping[str, AnyMachine]
"""Machines by name."""

Finding = tuple[str, str]
"""The kind of a problem, and a sentence about it."""

Judge = Callable[[StateRecord], Iterator[Finding]]
"""Finds what a machine would not have let into a state."""


PAST_MACHINES = frozenset({"log", "rollback"})
"""The kinds of change that bring a state into a status by no move of a machine."""


def within(change: Change, machines: Machines) -> Change:
    """Return *change*, of a kind in ``PAST_MACHINES``, held against the machine that moved its state.

    Args:
        machines: Those that are known; without any, a stamped state stays in its status.
    """
    target_of = change.target_of

    def checked(state: StateRecord | None) -> Target:
        target = target_of(state)
        if state is not None and state.machine is not None and (target.status != state.status or state.deleted):
            _check_brought(machines, state, state.machine, target, change.action)
        return target

    return replace(change, target_of=checked)


def _check_brought(machines: Machines, state: StateRecord, mark: MachineStamp, target: Target, action: str) -> None:
    """Refuse to bring a state elsewhere than the machine would that moved it.

    Args:
        mark: That machine's; a rollback may lead back to another one, which then knows the status.

    Raises:
        TransitionNotAllowedError: Its machine has no such status, or the way out is closed; or it is not known.
        MachineVersionError: A newer version of its machine than the one that is known moved it.
    """
    machine = machines.get(mark.name)
    if machine is None:
        reason = f"machine {mark} moves the state, and is not known here; {PASSES}"
        raise TransitionNotAllowedError(state.status, action, None, reason)
    check_machine(state, stamp(machine))
    if state.status in machine.terminal and not state.deleted:
        reason = f"nothing leaves this terminal status of machine {machine.name!r} for {target.status!r}; {PASSES}"
        raise TransitionNotAllowedError(state.status, action, None, reason)
    after = machines.get(target.machine.name) if target.machine is not None else None
    if after is not None and target.status not in after.statuses:
        reason = f"machine {after.name!r} has no status {target.status!r}; {PASSES}"
        raise TransitionNotAllowedError(state.status, action, None, reason)


def no_judge(_: StateRecord) -> Iterator[Finding]:
    """Find nothing."""
    return iter(())


def judge_of(machines: Machines, schema: Schema | None = None) -> Judge:
    """Return the judge of states by *machines*; those of other machines, and tombstones, pass.

    So does data of a newer version than that of *schema*, to which older data is brought before it is judged.
    """
    typed = {name: as_data(machine) for name, machine in machines.items()}

    def judge(state: StateRecord) -> Iterator[Finding]:
        machine = machines.get(state.machine.name) if state.machine is not None else None
        if machine is None or state.machine is None or state.machine.version > machine.version or state.deleted:
            return
        if state.status not in machine.statuses:
            yield "foreign_status", f"machine {stamp(machine)} has no status {state.status!r}"
        try:
            typed[machine.name](state.data if schema is None else schema.seen(state).data)
        except SchemaVersionError:
            return
        except (InvalidDataError, UpcastError) as error:
            yield "invalid_data", f"machine {stamp(machine)}: {error}"

    return judge
