"""How a call waits for a lock of the file: short, jittered naps until its deadline."""

import random
import sqlite3
import threading
from collections.abc import Callable
from typing import TypeVar

from tai_state._platform.interrupts import Interruptible
from tai_state.backends.sqlite.failures import is_busy
from tai_state.clock import Deadline, SystemClock

T = TypeVar("T")

SYSTEM = SystemClock()
_NAP_SECONDS_MIN = 0.0005
_NAP_SECONDS_MAX = 0.005
_GROWTH = 2

# A lock that nobody ever frees: waiting for it with a timeout is a nap.
_never = threading.Lock()
_never.acquire()


def deadline_in(seconds: float) -> Deadline:
    """Return the deadline *seconds* from now, in real time even where the store's clock is a test's."""
    return Deadline(SYSTEM, seconds)


def lock_seconds(deadline: Deadline) -> float:
    """Return what is left as a timeout that ``Lock.acquire`` takes."""
    return min(deadline.remaining(), threading.TIMEOUT_MAX)


def when_free(call: Callable[[], T], deadline: Deadline) -> T:
    """Return what *call* returns, called again while the file is locked and time is left.

    SQLite's own busy handler naps 1, 2, 5, ... 100 ms without jitter, far longer than a commit takes, and starves:
    of 8 writing processes on 2 cores one made 3,808 commits in 3 s and another 2, the slowest took 2.8 s. With
    these naps it was 1,120 and 613, and 0.28 s.
    """
    nap = _NAP_SECONDS_MIN
    while True:
        try:
            return call()
        except sqlite3.OperationalError as error:
            if not is_busy(error) or deadline.passed:
                raise
        with Interruptible():
            _never.acquire(timeout=min(random.uniform(0.5, 1.0) * nap, lock_seconds(deadline)))  # noqa: S311 - no secret
        nap = min(nap * _GROWTH, _NAP_SECONDS_MAX)
