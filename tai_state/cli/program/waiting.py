"""Waiting: who sits before a silent terminal is told after two seconds what is waited for."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

SILENCE_SECONDS = 2.0


class _Wait:
    """A timer that speaks once, unless something is heard before."""

    def __init__(self, say: Callable[[], None]) -> None:
        self._timer = threading.Timer(SILENCE_SECONDS, say)
        self._timer.daemon = True
        self._timer.start()

    def end(self) -> None:
        """Say nothing any more; a second call does nothing."""
        self._timer.cancel()

    def join(self) -> None:
        """Wait for a line that is just being written."""
        self._timer.cancel()
        self._timer.join()


_current: ContextVar[_Wait | None] = ContextVar("tai_state_cli_wait", default=None)


@contextmanager
def waiting(say: Callable[[str], None], what: str) -> Iterator[None]:
    """Have *what* is waited for said, once, when two seconds pass before ``answered`` is called or the block ends."""
    wait = _Wait(lambda: say(f"waiting for {what}"))
    token = _current.set(wait)
    try:
        yield
    finally:
        _current.reset(token)
        wait.join()


def answered() -> None:
    """Note that something came: nobody needs to be told any more that it is waited for."""
    wait = _current.get()
    if wait is not None:
        wait.end()
