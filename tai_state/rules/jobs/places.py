"""Where the jobs of a queue are, and under which names they are found when they are due."""

from typing import Any, NamedTuple

from tai_state.errors import InvalidDataError
from tai_state.layout import check_id
from tai_state.machine import Machine
from tai_state.rules.jobs.machine import JOB

PREFIX = "jobs:"
"""What the governor of a queue is called, before its name."""

SETTINGS_GOVERNOR = PREFIX
"""The governor with a state for each queue that has more than the one priority: which ones. No queue has that name."""

PRIORITIES_MAX = 32
"""How many priorities a queue may have: whoever looks for a job asks once for each that is above what he finds."""

_PRIORITY_MAX = 2**31


class Queue(NamedTuple):
    """A queue by its name, and what moves its jobs."""

    name: str
    machine: Machine[dict[str, Any]] = JOB

    @property
    def governor_id(self) -> str:
        """The governor whose states are its jobs."""
        return f"{PREFIX}{self.name}"

    @property
    def leases(self) -> str:
        """The name under which its running jobs are due."""
        return f"{PREFIX}{self.name}:leases"

    def lane(self, priority: int) -> str:
        """Return the name under which its queued jobs of *priority* are due."""
        return f"{PREFIX}{self.name}:{priority}"


def queue_of(name: object, machine: Machine[dict[str, Any]] = JOB) -> Queue:
    """Return the queue called *name*.

    Raises:
        InvalidIdError: The name cannot be part of an id.
    """
    checked = check_id(name, "name")
    check_id(f"{PREFIX}{checked}", "name")
    return Queue(checked, machine)


def checked_priority(priority: object) -> int:
    """Return *priority*.

    Raises:
        InvalidDataError: It is no int of 32 bits.
    """
    if type(priority) is not int or not -_PRIORITY_MAX <= priority < _PRIORITY_MAX:
        message = "must be an int of 32 bits, the higher the sooner"
        raise InvalidDataError(message, path="priority")
    return priority


def with_priority(known: tuple[int, ...], priority: int) -> tuple[int, ...]:
    """Return the priorities of a queue with one more, the highest first.

    Raises:
        InvalidDataError: There would be too many.
    """
    if priority not in known and len(known) >= PRIORITIES_MAX:
        message = f"would be one more than the {PRIORITIES_MAX} that a queue may have: each costs a query"
        raise InvalidDataError(message, path="priority")
    return tuple(sorted({*known, priority}, reverse=True))


def priorities_from(data: object) -> tuple[int, ...]:
    """Return the priorities that the stored *data* of a queue tells, the highest first; 0 is always one of them."""
    stored = data.get("priorities") if isinstance(data, dict) else None
    found = stored if isinstance(stored, list) else []
    return tuple(sorted({0, *(one for one in found if type(one) is int)}, reverse=True))
