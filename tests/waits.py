"""How long tests wait, on a machine of any speed.

Nothing here makes a test pass by waiting for long enough and hoping: ``eventually`` ends with what it waits for, so its
limit costs nothing, and ``patience`` stretches the upper bound of a time that was measured, never a lower one.
"""

import os
import time
from collections.abc import Callable

SECONDS_MAX = 60.0
POLL_SECONDS = 0.01
STRETCH_MAX = 10.0


def eventually(condition: Callable[[], object], seconds_max: float = SECONDS_MAX) -> bool:
    """Poll *condition* until it holds, and say whether it ever did."""
    ends = time.monotonic() + seconds_max
    while not condition():
        if time.monotonic() > ends:
            return False
        time.sleep(POLL_SECONDS)
    return True


def patience(seconds: float) -> float:
    """Return the upper bound for what takes at most *seconds* on an idle machine: more of them on a busy one.

    By how many processes want each of its cores: those of the last minute, or half of those of this very moment, which
    may be many by chance.
    """
    waiting = os.getloadavg()[0]
    try:
        with open("/proc/loadavg", encoding="ascii") as told:  # noqa: PTH123 - a file of the kernel's
            waiting = max(waiting, int(told.read().split()[3].partition("/")[0]) / 2)
    except FileNotFoundError:
        pass  # not Linux
    return seconds * min(max(1.0, waiting / (os.cpu_count() or 1)), STRETCH_MAX)
