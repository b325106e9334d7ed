"""Children made by a fork: what a call does in one, told by its exit status."""

import asyncio
import os
import signal
import sys
import traceback
from collections.abc import Awaitable, Callable

# Python tells of the threads that a child does not have: that is what these tests are about.
IGNORED = "ignore:.*multi-threaded.*fork:DeprecationWarning"

_SECONDS_MAX = 20


async def async_in_child(call: Callable[[], Awaitable[object]]) -> int:
    """Return the exit status of a child that makes the call on a loop of its own: 0 when nothing was raised."""
    return in_child(lambda: asyncio.run(_awaited(call)))


async def _awaited(call: Callable[[], Awaitable[object]]) -> None:
    await call()


def in_child(call: Callable[[], object]) -> int:
    """Return the exit status of a child that makes the call: 0 when nothing was raised."""
    pid = os.fork()
    if not pid:
        status = 1
        # What waits for ever there is to fail, not to keep the test waiting.
        signal.alarm(_SECONDS_MAX)
        try:
            call()
            status = 0
        except BaseException:  # noqa: BLE001 - the child must not run the parent's tests
            traceback.print_exc(file=sys.__stderr__)
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
