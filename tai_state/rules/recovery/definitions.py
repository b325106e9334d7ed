"""The definitions of machines that states were moved by: one name and version should mean one of them."""

from collections.abc import Iterable
from dataclasses import dataclass

from tai_state.counts import counted
from tai_state.layout import state_layout
from tai_state.models import Problem
from tai_state.rules.commits.kinds import AnyMachine, stamp
from tai_state.rules.records.record import MachineStamp, StateRecord

_SHOWN = 12
"""How much of a fingerprint tells it from others."""


@dataclass(slots=True)
class _Moved:
    """The states that one definition moved last: how many, and the first that was met."""

    governor_id: str
    state_id: str
    version: int
    count: int


class Definitions:
    """What the states of a store say of the machines that moved them, with one entry for each definition."""

    def __init__(self, machines: Iterable[AnyMachine] = ()) -> None:
        """Begin with the *machines* that are known here."""
        self._here = {stamp(machine) for machine in machines}
        self._moved: dict[MachineStamp, _Moved] = {}

    def add(self, record: StateRecord) -> None:
        """Take one more state."""
        if record.machine is None:
            return
        first = _Moved(record.governor_id, record.state_id, record.version, 0)
        self._moved.setdefault(record.machine, first).count += 1

    def problems(self) -> list[Problem]:
        """Return one finding for each machine and version that has several definitions, by name and version."""
        versions: dict[tuple[str, int], list[MachineStamp]] = {}
        for mark in sorted({*self._here, *self._moved}, key=lambda one: (one.name, one.version, one.fingerprint)):
            versions.setdefault((mark.name, mark.version), []).append(mark)
        return [self._problem(marks) for marks in versions.values() if len(marks) > 1]

    def _problem(self, marks: list[MachineStamp]) -> Problem:
        # The rarest of those that are not ours: what is looked at first.
        others = [self._moved[mark] for mark in marks if mark in self._moved and mark not in self._here]
        example = min(others, key=lambda moved: moved.count)
        told = "; ".join(self._told(mark) for mark in marks)
        return Problem(
            kind="machine_redefined",
            state_id=example.state_id,
            version=example.version,
            message=f"machine {marks[0]} has {len(marks)} definitions: {told}",
            path=str(state_layout(example.governor_id, example.state_id).state),
        )

    def _told(self, mark: MachineStamp) -> str:
        here = "the one known here, " if mark in self._here else ""
        moved = self._moved.get(mark)
        if moved is None:
            return f"{mark.fingerprint[:_SHOWN]}, {here}which moved no state last"
        states = counted(moved.count, "state")
        such = f"{moved.state_id!r} of governor {moved.governor_id!r}"
        return f"{mark.fingerprint[:_SHOWN]}, {here}which moved {states} last, such as {such}"
