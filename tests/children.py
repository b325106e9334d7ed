"""Processes that tests start, and that must not be left behind."""

import ctypes
import signal
from contextlib import suppress

_PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """Let this process be killed when the thread that started it ends, however that ends: with the test run, say.

    Where the system can: elsewhere what is left behind has to end by itself. Children of this process have to ask for
    themselves.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
