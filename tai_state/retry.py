"""How often and how long to try again: a policy value that becomes tenacity's stop and wait."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from tai_state.clock import TIMEOUT_MAX, Clock, Deadline, seconds_of, shown
from tai_state.errors import ConfigurationError

if TYPE_CHECKING:
    from tenacity import RetryCallState


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Bounds of a retry loop, in seconds.

    Waits have full jitter: uniform between 0 and ``wait_initial`` doubled per attempt, at most
    ``wait_max`` (Brooker, Exponential Backoff and Jitter, AWS Architecture Blog, 2015). A transaction begins from
    what its last attempt took, where that is longer: two that conflict are to miss each other.

    Args:
        attempts: The most attempts, the first included; None: as many as the deadline allows.
        deadline: The total time, retries included, where the call gives no ``timeout``.
        attempt_timeout: The time that one attempt at the store may take, so that a lost one is tried again.
    """

    attempts: int | None = None
    wait_initial: float = 0.01
    wait_max: float = 1.0
    deadline: float = 30.0
    attempt_timeout: float = 10.0

    def __post_init__(self) -> None:
        """Refuse what could never work or never end."""
        if self.attempts is not None and (type(self.attempts) is not int or self.attempts < 1):
            message = f"attempts must be an int of at least 1, or None, not {shown(self.attempts)}"
            raise ConfigurationError(message)
        for name in ("wait_initial", "wait_max", "deadline", "attempt_timeout"):
            seconds = getattr(self, name)
            if isinstance(seconds, bool) or not isinstance(seconds, int | float):
                message = f"{name} must be a number of seconds, not {shown(seconds)}"
                raise ConfigurationError(message)
        if not 0 <= self.wait_initial <= self.wait_max <= TIMEOUT_MAX.total_seconds():
            waits = f"{shown(self.wait_initial)} and {shown(self.wait_max)}"
            message = f"waits must satisfy 0 <= wait_initial <= wait_max <= {TIMEOUT_MAX.days:,} days, not {waits}"
            raise ConfigurationError(message)
        for name in ("deadline", "attempt_timeout"):
            seconds = getattr(self, name)
            if not 0 < seconds <= TIMEOUT_MAX.total_seconds():
                bounds = f"a positive number of seconds, at most {TIMEOUT_MAX.days:,} days"
                message = f"{name} must be {bounds}, not {shown(seconds)}"
                raise ConfigurationError(message)

    def begin(self, clock: Clock, timeout: float | timedelta | None) -> Deadline:
        """Start the total time of one operation: *timeout*, or else the policy's deadline.

        Raises:
            ConfigurationError: *timeout* is none; see ``seconds_of``.
        """
        return Deadline(clock, self.deadline if timeout is None else seconds_of(timeout))

    def attempt_seconds(self, deadline: Deadline) -> float:
        """Return the seconds that the next attempt may take.

        Raises:
            DeadlineExceededError: No time is left.
        """
        return deadline.at_most(self.attempt_timeout)

    def wait(
        self, rng: random.Random, deadline: Deadline, attempt_seconds: Callable[[], float] | None = None
    ) -> "Callable[[RetryCallState], float]":
        """Return tenacity's wait: full jitter, at least what the engine asked for, never past the deadline.

        Args:
            attempt_seconds: Tells what the last attempt took, where waits are to be of that size at least.
        """

        def seconds(state: "RetryCallState") -> float:
            initial = max(self.wait_initial, attempt_seconds() if attempt_seconds else 0.0)
            ceiling = min(self.wait_max, initial * 2 ** min(state.attempt_number - 1, 30))
            error = state.outcome.exception() if state.outcome else None
            # Only what the engine said: ``retry_after`` is for callers, and would slow down what is quick.
            asked = getattr(error, "asked_seconds", None) or 0.0
            return min(max(rng.uniform(0, ceiling), asked), deadline.remaining())

        return seconds

    def stop(self, deadline: Deadline) -> "Callable[[RetryCallState], bool]":
        """Return tenacity's stop: attempts spent, or no time left."""

        def is_over(state: "RetryCallState") -> bool:
            spent = self.attempts is not None and state.attempt_number >= self.attempts
            return spent or deadline.passed

        return is_over
