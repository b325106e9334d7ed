"""How long the holder of a lease may trust it, and the news of its end."""

import inspect
import logging
import os
import threading
from collections.abc import Callable

from tai_state.clock import Clock
from tai_state.config import LeaseTiming
from tai_state.errors import ConfigurationError, LockLostError

log = logging.getLogger("tai_state")

RELEASED = "released"
FORKED = "forked"


class AsyncTrustWindow:
    """A holder's trust in one lease: it ends once, by a release or by a loss, and stays ended.

    It belongs to the process that holds the lease: in a fork's child it has ended, and nothing there tells the parent.
    Whoever asks changes nothing; whoever uses the lock, or renews it, notices the end (``notice``).

    Attributes:
        renewed_at: When the last renewal that succeeded was sent, by the monotonic clock.
        is_failing: Whether the last renewal failed, so that a lease that runs out was lost to the network.
    """

    def __init__(self, resource: str, token: int, clock: Clock, timing: LeaseTiming, began: float) -> None:
        """Trust a lease that was sent for at *began*."""
        self._what = f"lock {resource!r} with token {token}"
        self._resource = resource
        self._token = token
        self._clock = clock
        self._timing = timing
        self._ends = began + timing.trusted_seconds
        self._pid = os.getpid()
        self._guard = threading.Lock()
        self._callbacks: list[Callable[[str], object]] = []
        self._ended: str | None = None
        self._is_suspended = False
        self.renewed_at = began
        self.is_failing = False

    @property
    def timing(self) -> LeaseTiming:
        """The seconds in force."""
        return self._timing

    def renewed(self, began: float, timing: LeaseTiming) -> None:
        """Note that a renewal that was sent at *began* succeeded, and left the lease with *timing*.

        One that comes back after the trust has run out brings nothing back: whoever was told that the lock is lost
        relies on that.
        """
        with self._guard:
            if self.lease_seconds() > 0 and began >= self.renewed_at:
                self.renewed_at = began
                self._timing = timing
                self._ends = began + timing.trusted_seconds
        self.is_failing = False

    def limit(self, began: float, timing: LeaseTiming) -> None:
        """Trust it no longer than a renewal to *timing* that is sent at *began* may leave of it."""
        with self._guard:
            self._ends = min(self._ends, began + timing.trusted_seconds)

    def retimed(self, timing: LeaseTiming) -> None:
        """Note that the lease was found with *timing*, which makes the trust shorter, never longer."""
        with self._guard:
            self._timing = timing
            self._ends = min(self._ends, self.renewed_at + timing.trusted_seconds)

    def remaining(self) -> float:
        """Return the seconds of trust without another renewal, 0.0 when there is none; notices nothing."""
        return 0.0 if self.has_ended else self.lease_seconds()

    def lease_seconds(self) -> float:
        """Return the seconds for which nobody else can have the lease, unless it was released or broken."""
        return max(0.0, self._ends - self._clock.monotonic())

    def suspend(self) -> None:
        """Trust it no more, since its release is sent: it may be free before anybody hears of it."""
        self._is_suspended = True

    def renewal_seconds(self) -> float:
        """Return for how long a renewal may still be tried."""
        return min(self._ends, self.renewed_at + self._timing.renew_deadline) - self._clock.monotonic()

    def reason(self) -> str | None:
        """Return why there is no trust, None while there is some; notices nothing."""
        if self.is_foreign:
            # Not by way of the guard, in which another thread of the parent may have been.
            return self._ended or FORKED
        if self._ended is not None:
            return self._ended
        if self._is_suspended:
            return RELEASED
        with self._guard:
            # Under the guard: no renewal comes between this look at the clock and the answer.
            return self.running_out() if self.lease_seconds() <= 0 else None

    def notice(self) -> str | None:
        """Return what ``reason`` does; a lease that has run out is lost from here on, and callbacks are told."""
        reason = self.reason()
        if reason is not None and self._ended is None and not self._is_suspended and not self.is_foreign:
            self.end(reason)
        return reason

    def running_out(self) -> str:
        """Return why a lease runs out that was not taken away."""
        return "unreachable" if self.is_failing else "expired"

    @property
    def is_foreign(self) -> bool:
        """Whether this is a fork's child of the process that holds the lease."""
        return self._pid != os.getpid()

    @property
    def has_ended(self) -> bool:
        """Whether the end was noticed, or a release is under way, or all of it is another process's."""
        return self._ended is not None or self._is_suspended or self.is_foreign

    @property
    def is_lost(self) -> bool:
        """Whether it ended without a release that its holder asked for."""
        reason = self.reason()
        return reason is not None and not (reason == RELEASED and self._is_suspended)

    @property
    def is_released(self) -> bool:
        """Whether it ended by a release that its holder asked for and the store has confirmed."""
        return self._ended == RELEASED and self._is_suspended

    def check(self) -> None:
        """Do nothing while there is trust; notice when there is none.

        Raises:
            LockLostError: There is none.
        """
        reason = self.notice()
        if reason is not None:
            raise LockLostError(self._resource, reason)

    def end(self, reason: str) -> bool:
        """End it for *reason*, and tell whoever asked to be told of a loss; return False when it had ended before."""
        with self._guard:
            if self._ended is not None:
                return False
            self._ended = reason
            callbacks, self._callbacks = self._callbacks, []
        if not self.is_released:
            extra = {"event": "lock_lost", "resource": self._resource, "fencing_token": self._token, "cause": reason}
            log.warning("%s is lost: %s", self._what, reason, extra=extra)
            for callback in callbacks:
                self._tell(callback, reason)
        return True

    def on_lost(self, callback: Callable[[str], object]) -> None:
        """Call *callback* once with the reason of a loss, at once if it was noticed already.

        Raises:
            ConfigurationError: It is a coroutine function; nobody would await it.
        """
        if inspect.iscoroutinefunction(callback):
            message = "on_lost takes a plain function; let it set an event that a task waits for"
            raise ConfigurationError(message)
        if self.is_foreign:
            # Not by way of the guard, in which another thread of the parent may have been.
            ended = self.reason()
        else:
            with self._guard:
                ended = self._ended
                if ended is None:
                    self._callbacks.append(callback)
        if ended is not None and not self.is_released:
            self._tell(callback, ended)

    def _tell(self, callback: Callable[[str], object], reason: str) -> None:
        try:
            callback(reason)
        except Exception:
            log.exception("an on_lost callback of %s failed", self._what)
