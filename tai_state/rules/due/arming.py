"""What becomes of a state's due time with a change: armed, kept or ended; decided here, and nowhere else."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from tai_state.frozen import quick_dataclass
from tai_state.layout import StateLayout
from tai_state.machine import ForeignMachine, Machine, Timeout
from tai_state.rules.due.keys import due_key
from tai_state.rules.records.occasional import Due
from tai_state.rules.records.record import MachineStamp, Marks, StateRecord


@quick_dataclass(frozen=True, slots=True)
class Wanted:
    """What a change itself makes due, in the place of what there was and of its status's timeout.

    Attributes:
        action: What is to happen.
        machine: Whose workers make it happen: the name of a machine, or of a queue.
        at: When; a time that has passed is now.
        after: Or how long after the change.
    """

    action: str
    machine: str
    at: datetime | None = None
    after: timedelta | None = None


NOTHING_DUE = Wanted("", "")
"""That nothing is due any more, not even the status's timeout."""


class Timeouts:
    """The timeouts of the machines that a caller knows."""

    __slots__ = ("_machines", "_own")

    def __init__(self, machines: Iterable[Machine[Any] | ForeignMachine], own: str | None) -> None:
        """Take those of *machines*; a state that no machine has moved is *own*'s."""
        self._machines = {machine.name: machine for machine in machines}
        self._own = own

    def of(self, mark: MachineStamp | None, status: str) -> tuple[str, Timeout] | None:
        """Return the timeout of *status*, and the name of its machine; None where there is none, or none is known.

        Args:
            mark: The machine that moves the state; None: none has.
        """
        name = self._own if mark is None else mark.name
        machine = None if name is None else self._machines.get(name)
        timeout = None if machine is None else machine.timeout_of(status)
        return None if machine is None or timeout is None else (machine.name, timeout)


def known_timeouts(machines: Iterable[Machine[Any] | ForeignMachine], own: str | None) -> Timeouts | None:
    """Return the timeouts of *machines*; None where none has any, as most have not."""
    timed = [machine for machine in machines if machine.timeouts]
    return Timeouts(timed, own) if timed else None


@quick_dataclass(frozen=True, slots=True)
class Entry:
    """What of a change decides on what is due.

    Attributes:
        version: The one that it makes.
        status, machine: Where it leads, and which machine moves the state then.
        now: The store's clock.
        deleted: Whether it deletes the state.
        enters: Whether the status is entered anew though the state was in it.
        wanted: What it makes due itself; None: nothing.
    """

    version: int
    status: str
    machine: MachineStamp | None
    now: datetime
    deleted: bool
    enters: bool
    wanted: Wanted | None


def armed(before: StateRecord | None, entry: Entry, timeouts: Timeouts | None) -> Due | None:
    """Return what is due behind a change.

    Args:
        before: The state that it finds; None: there never was one.
        timeouts: Those that the caller knows; None: no machine that it knows has any.
    """
    if entry.deleted:
        return None
    wanted = entry.wanted
    if wanted is not None:
        return None if wanted is NOTHING_DUE else _due(wanted, entry)
    stays = before is not None and not before.deleted and before.status == entry.status and not entry.enters
    if stays and before is not None:
        return before.due
    found = timeouts.of(entry.machine, entry.status) if timeouts is not None else None
    if found is None:
        return None
    name, timeout = found
    return _due(Wanted(timeout.action, name, after=timeout.after), entry)


def _due(wanted: Wanted, entry: Entry) -> Due:
    if wanted.after is not None:
        at = entry.now + wanted.after
    else:
        assert wanted.at is not None
        # Not in the past: workers look there seldom, since nothing comes to be there.
        at = max(wanted.at, entry.now)
    return Due(at, wanted.action, wanted.machine, entry.version, wanted.after)


def due_marks(marks: Marks, before: Due | None, due: Due | None, where: tuple[str, StateLayout], shards: int) -> Marks:
    """Return the marks of a state behind a change: how a time was moved is forgotten with what was due.

    Args:
        before, due: What was due, and what is.
        where: The store's id, and the state.
        shards: Among how many the workers look.
    """
    if due is None:
        return replace(marks, due_key="", due_moved_to=None, due_tries=0)
    if due == before and marks.due_key:
        return marks
    key = due_key(where[0], due.machine, where[1], shards)
    if due == before:
        return replace(marks, due_key=key)
    return replace(marks, due_key=key, due_moved_to=None, due_tries=0)
