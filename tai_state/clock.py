"""Where time comes from: nothing else in the package reads it."""

import time
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Protocol, cast

from tai_state.errors import ConfigurationError, DeadlineExceededError

TimeLimit = float | timedelta | None
"""The total time of one operation, in seconds or as a timedelta; None: as configured."""

TIMEOUT_MAX = timedelta(days=36_525)
"""The longest time that anybody may be told to wait: no platform can wait much longer."""

_SHOWN_BITS_MAX = 128


def seconds_of(timeout: object, *, may_be_zero: bool = False) -> float:
    """Return *timeout* in seconds.

    Args:
        may_be_zero: Whether not to wait at all is meant by 0.

    Raises:
        ConfigurationError: It is no positive number of seconds, at most a hundred years, and no such timedelta.
    """
    seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
    if isinstance(seconds, int | float) and not isinstance(seconds, bool):
        # Not a number compares as false with everything, and so is refused, too.
        is_long_enough = seconds > 0 or (may_be_zero and seconds == 0)
        if is_long_enough and seconds <= TIMEOUT_MAX.total_seconds():
            return float(seconds)
    least = "number of seconds of at least 0" if may_be_zero else "positive number of seconds"
    message = f"timeout must be a {least}, at most {TIMEOUT_MAX.days:,} days, or a timedelta, not {shown(timeout)}"
    raise ConfigurationError(message)


def shown(number: object) -> str:
    """Return *number*, which may be anything, as a message shows it."""
    # Python refuses to write out an int of thousands of digits.
    return "so large an int" if isinstance(number, int) and number.bit_length() > _SHOWN_BITS_MAX else repr(number)


class Clock(Protocol):
    """A source of wall-clock and elapsed time. Tests and simulations pass their own."""

    def now(self) -> datetime:
        """Return the wall clock's time, aware, in UTC, to the microsecond. It may step."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never run back and go on while the machine sleeps, where it can tell."""
        ...


class SystemClock:
    """The host's clocks."""

    # CLOCK_MONOTONIC stops while the machine is suspended (a paused Cloud Run instance, a closed laptop), and a lease
    # does not: so the boot clock, where there is one.
    monotonic = staticmethod(partial(time.clock_gettime, getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)))
    """The seconds since the host booted. Not a function of ours: a transition asks for it six times."""

    def now(self) -> datetime:
        """Return the host's wall clock."""
        return datetime.now(UTC)


class StoreTime:
    """A store's clock as its replies last told it: the latest of them, which it has passed since.

    Attributes:
        latest: That time; None: no reply told any.
        heard: When it was heard, by the monotonic clock: what has passed since, has passed for the store, too.
    """

    __slots__ = ("heard", "latest")

    def __init__(self) -> None:
        """Begin without a reply."""
        self.latest: datetime | None = None
        self.heard = 0.0

    def hear(self, moment: datetime, monotonic: float) -> None:
        """Note the time of one reply; of several at once any may be kept, none of which the clock has yet to reach."""
        if self.latest is None or moment > self.latest:
            self.latest = moment
            self.heard = monotonic

    def now(self, monotonic: float) -> datetime | None:
        """Return what the store's clock has reached for certain; None: no reply told any time."""
        return None if self.latest is None else self.latest + timedelta(seconds=max(0.0, monotonic - self.heard))


def checked_clock(clock: Clock | None) -> Clock:
    """Return *clock*, or the host's where it is None.

    Raises:
        ConfigurationError: It lacks one of a clock's methods.
    """
    given: object = SystemClock() if clock is None else clock
    if not (callable(getattr(given, "now", None)) and callable(getattr(given, "monotonic", None))):
        message = f"clock must have the methods now() and monotonic(), a {type(given).__name__} has not"
        raise ConfigurationError(message)
    return cast("Clock", given)


class Deadline:
    """A point in elapsed time until which an operation may go on, retries included.

    What its owner really waited counts, too (``waited``): by a clock that stands still until a test moves it a wait
    would never end.
    """

    __slots__ = ("_clock", "_ends", "_waited", "seconds")

    def __init__(self, clock: Clock, seconds: float) -> None:
        """Start counting *seconds* now."""
        self._clock = clock
        self.seconds = seconds
        self._ends = clock.monotonic() + seconds
        self._waited = 0.0

    def waited(self, seconds: float) -> None:
        """Note that so many seconds were waited for, all of them; by a clock that runs that says nothing new."""
        self._waited += seconds

    def _left(self) -> float:
        return min(self._ends - self._clock.monotonic(), self.seconds - self._waited)

    def remaining(self) -> float:
        """Return the seconds left, 0.0 when none are."""
        return max(0.0, self._left())

    def at_most(self, seconds: float) -> float:
        """Return the seconds left, *seconds* at most.

        Raises:
            DeadlineExceededError: None are left.
        """
        remaining = min(self._ends - self._clock.monotonic(), self.seconds - self._waited)
        if remaining <= 0:
            message = f"the {self.seconds:g} seconds allowed are over; nothing was written"
            raise DeadlineExceededError(message)
        return min(remaining, seconds)

    @property
    def passed(self) -> bool:
        """Whether no time is left."""
        return self._ends <= self._clock.monotonic() or self.seconds <= self._waited


Span = TimeLimit | Deadline
"""A limit of an operation's own, or the deadline of the operation around it."""
