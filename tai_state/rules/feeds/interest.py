"""Interest: which events a subscription tells, and whom."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from tai_state.models import Event
from tai_state.rules.records.record import EventRecord

Condition = Callable[[Event[Any]], object]
Handler = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Interest:
    """What one handler is told of; None: that does not matter.

    Attributes:
        statuses: Which left the state in one of these statuses.
        actions: Which were made by one of these actions.
        machine: Which a machine of this name made.
        condition: For which this is true, given the event; asked last, and only of those that meet the rest.
    """

    statuses: Collection[str] | None = None
    actions: Collection[str] | None = None
    machine: str | None = None
    condition: Condition | None = None

    def may_take(self, event: EventRecord) -> bool:
        """Whether an event meets all but the condition."""
        return (
            (self.statuses is None or event.to_status in self.statuses)
            and (self.actions is None or event.action in self.actions)
            and (self.machine is None or (event.machine is not None and event.machine.name == self.machine))
        )


@dataclass(frozen=True, slots=True)
class Told:
    """A handler, with all that an event must meet for it to be told."""

    handler: Handler
    interests: tuple[Interest, ...]

    def may_take(self, event: EventRecord) -> bool:
        """Whether an event meets all but the conditions."""
        return all(interest.may_take(event) for interest in self.interests)

    def takes(self, event: Event[Any]) -> bool:
        """Whether an event that may be told meets the conditions, too."""
        return all(interest.condition is None or interest.condition(event) for interest in self.interests)


def who_may(told: Iterable[Told], event: EventRecord) -> list[Told]:
    """Return those whom an event may concern, in their order."""
    return [one for one in told if one.may_take(event)]


def names(given: object) -> frozenset[str] | None:
    """Return the names that a user gave: one or several, or None for any."""
    if given is None:
        return None
    if isinstance(given, str):
        return frozenset({str.__str__(given)})
    if not isinstance(given, Iterable):
        message = f"one name or several are given, not {given!r}"
        raise TypeError(message)
    return frozenset(str.__str__(one) for one in given)
