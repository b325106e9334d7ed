"""The moves that a machine file allows, as a log shows them: from a status to a status, maybe by a named action."""

from typing import Any

from tai_state import Machine
from tai_state.cli.commands.ingest.lines import BadLineError, Line


class AllowedMoves:
    """What a machine allows. Guards are passed over: they were decided where the log was written."""

    def __init__(self, machine: Machine[Any]) -> None:
        """List the moves of *machine*."""
        self._initial = machine.initial
        self._name = machine.name
        self._statuses = frozenset(machine.statuses)
        self._actions: dict[tuple[str, str], set[str]] = {}
        for status in machine.statuses:
            for action in machine.allowed(status):
                for target in machine.targets(status, action):
                    self._actions.setdefault((status, target), set()).add(action)

    def check(self, line: Line) -> None:
        """Refuse a line whose move the machine does not have.

        Raises:
            BadLineError: It does not enter the initial status, or there is no such move.
        """
        if line.to_status not in self._statuses:
            raise BadLineError(f"machine {self._name!r} has no status {line.to_status!r}")
        if line.from_status is None:
            if line.to_status != self._initial:
                raise BadLineError(f"machine {self._name!r} begins in {self._initial!r}, not in {line.to_status!r}")
            return
        actions = self._actions.get((line.from_status, line.to_status))
        if actions is None:
            raise BadLineError(f"machine {self._name!r} has no move from {line.from_status!r} to {line.to_status!r}")
        if line.named_action is not None and line.named_action not in actions:
            raise BadLineError(
                f"action {line.named_action!r} of machine {self._name!r} does not lead "
                f"from {line.from_status!r} to {line.to_status!r}"
            )
