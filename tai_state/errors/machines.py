"""Machines, their moves, and what depends on them."""

from collections.abc import Sequence

from tai_state.errors.base import TaiStateError, named


class MachineError(TaiStateError):
    """A machine's definition or its use is wrong."""

    code = "machine"


class InvalidMachineError(MachineError, ValueError):
    """A machine's definition has problems; all of them are listed in ``problems``.

    Those that a machine found have a ``kind`` and a ``place`` too: see ``tai_state.machine.MachineProblem``.
    """

    code = "invalid_machine"

    def __init__(self, problems: Sequence[str]) -> None:
        """List every problem, a sentence each."""
        listed = list(problems)
        super().__init__("the machine has problems: " + "; ".join(str(problem) for problem in listed))
        self.problems = listed


class TransitionNotAllowedError(MachineError):
    """The machine has no such move from the status that the state is in, its guards refused it, or it was passed by."""

    code = "transition_not_allowed"

    def __init__(self, status: str, action: str, allowed: Sequence[str] | None, reason: str = "") -> None:
        """Say where the state is, what was asked, and which actions are open from there (None: that is not known).

        What was asked is never among them: its guards refused it.
        """
        others = [name for name in allowed or () if name != action]
        names = "" if allowed is None else f"; allowed: {', '.join(map(repr, others)) or 'none'}"
        super().__init__(
            f"action {action!r} is not allowed in status {status!r}: {reason or 'there is no such transition'}{names}"
        )
        self.status = status
        self.action = action
        self.allowed = others
        self.reason = reason


class MachineVersionError(MachineError):
    """The state was moved by another machine, or by a newer version of this one."""

    code = "machine_version"

    def __init__(self, stored: str, ours: str) -> None:
        """Name both as ``name@version``."""
        super().__init__(f"the state is driven by machine {stored}, not by {ours}")
        self.stored = stored
        self.ours = ours


class MoverError(MachineError):
    """A machine of another library failed, or returned what cannot be a status or data; nothing was written."""

    code = "mover_failed"

    def __init__(self, machine: str, status: str, action: str, problem: str) -> None:
        """Name the machine, what it was asked, and what became of it; what it raised is the cause."""
        super().__init__(
            f"machine {machine!r} could not take action {action!r} in status {status!r}: {problem}; nothing was written"
        )
        self.machine = machine
        self.status = status
        self.action = action
        self.problem = problem


class EffectsFailedError(MachineError):
    """A move was made and is durable, and what was to be done behind it failed; asking again would move once more."""

    code = "effects_failed"

    def __init__(self, governor_id: str, state_id: str, version: int, action: str, problem: str) -> None:
        """Name the move by its version and action; what was raised is the cause."""
        super().__init__(
            f"action {action!r} brought {named(governor_id, state_id)} to version {version}, and is durable; what was "
            f"to be done behind it {problem}, and the rest of it was not done"
        )
        self.governor_id = governor_id
        self.state_id = state_id
        self.version = version
        self.action = action
        self.problem = problem


class DependentMachineError(MachineError):
    """A move concerns a dependent whose machine the persister does not know, or knows an older version of."""

    code = "dependent_machine"

    def __init__(self, governor_id: str, state_id: str, dependency_id: str, machine: str) -> None:
        """Name the dependent, what it depends on, and its machine as ``name@version``."""
        super().__init__(
            f"{named(governor_id, state_id)} depends on {dependency_id!r} and is driven by machine "
            f"{machine}, which this persister does not know; name it in machines=[...]"
        )
        self.governor_id = governor_id
        self.state_id = state_id
        self.dependency_id = dependency_id
        self.machine = machine


class DependencyCycleError(TaiStateError, ValueError):
    """A state would depend on itself, at once or through others; nothing was written."""

    code = "dependency_cycle"

    def __init__(self, cycle: Sequence[str]) -> None:
        """List the states of the cycle, each before what it depends on; the first stands at the end again."""
        listed = list(cycle)
        super().__init__("a cycle of dependencies: " + " -> ".join(repr(state_id) for state_id in listed))
        self.cycle = listed
