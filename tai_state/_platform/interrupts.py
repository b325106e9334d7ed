"""Interruptions: a cancellation reaches a task where it waits, and Ctrl-C and SIGTERM reach a sync call there, too.

Python runs the handler of a signal between any two steps of the main thread, and a handler that raises
(``KeyboardInterrupt``, ``SystemExit``) tears whatever is going on there: a commit before anybody knows what became of
it, or the lines that would have freed a mutex. So while a call is under way in the main thread, the handlers of both
signals stand aside for one of ours:

- in a ``Deferral`` a signal is noted, and its own handler runs at the end of the outermost one, or at the next
  ``Interruptible``, whichever comes first;
- in an ``Interruptible`` (a read, a wait, a sleep, a transaction's body) it runs at once;
- in a settling ``Deferral`` (a commit and what settles it) no ``Interruptible`` lets it in: the outcome comes first;
- a second signal of its kind runs it at once, wherever we are.

Handlers that are none of Python's (the default of SIGTERM kills the process, as SIGKILL does) are left alone, and so
are all other threads, in which no handler ever runs.
"""

import inspect
import os
import signal
import threading
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from importlib import import_module
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    import asyncio
else:
    from tai_state._platform import late_asyncio as asyncio

P = ParamSpec("P")
T = TypeVar("T")
Handler = Callable[[int, FrameType | None], Any]

SIGNALS = (int(signal.SIGINT), int(signal.SIGTERM))

# The functions below those of ``signal``, which turn numbers into enums and back and take ten times as long (measured:
# 14 us against 1.3 us for a handler that is set and put back), on a path that every change takes.
_in_c = import_module("_signal")
_set_handler: Callable[[int, Any], Any] = _in_c.signal
_get_handler: Callable[[int], Any] = _in_c.getsignal
_get_ident = threading.get_ident


class _Door:
    """What the main thread lets in; no other thread touches it."""

    def __init__(self) -> None:
        self.is_guarded = False
        self.is_open = False
        self.settling = 0
        self.round = 0
        self.pending: list[int] = []
        self._guarded: Sequence[tuple[int, Handler]] = ()
        self._is_usable = True
        self.forked_by_main = True
        self.main = threading.main_thread().ident

    def guard(self) -> bool:
        """Put our handler in the place of the others; return False where handlers cannot be set at all."""
        if not self._is_usable:
            return False
        found = []
        for number in SIGNALS:
            handler = _get_handler(number)
            if callable(handler):
                found.append((number, handler))
        self.is_open = False
        self.settling = 0
        self.round += 1
        self._guarded = found
        self.is_guarded = True
        try:
            for number, _ in found:
                _set_handler(number, _on_signal)
        except ValueError:
            # An interpreter inside another program, whose main thread is not the one that gets the signals.
            self.is_guarded = self._is_usable = False
            return False
        except BaseException:
            self.leave()
            raise
        return True

    def leave(self) -> None:
        """Put the handlers back, exactly, and let them run for what came meanwhile."""
        try:
            for number, handler in self._guarded:
                # Whoever set another one meanwhile wanted that.
                if _get_handler(number) is _on_signal:
                    _set_handler(number, handler)
        except BaseException:
            # A handler that is back may raise at once, before the other one is back: so once more, past those that are.
            self.leave()
            raise
        finally:
            self.is_guarded = False
            if self.pending:
                self.deliver()

    def abandon(self) -> None:
        """Put the handlers back, and forget what came: the call that waited for its end is another process's."""
        self.pending.clear()
        self.leave()

    def deliver(self) -> None:
        """Run the handlers of what is pending, all of them, even where one raises."""
        if self.pending:
            number = self.pending.pop(0)
            try:
                self.handler(number)(number, inspect.currentframe())
            finally:
                self.deliver()

    def handler(self, number: int) -> Handler:
        return dict(self._guarded)[number]


_door = _Door()


def _on_signal(number: int, frame: FrameType | None) -> None:
    if _door.is_guarded and not _door.is_open and number not in _door.pending:
        _door.pending.append(number)
        return
    handler = _door.handler(number)
    if not _door.is_guarded:
        # Two signals within a microsecond kept us from putting it back: now is the time.
        _set_handler(number, handler)
    if number in _door.pending:
        _door.pending.remove(number)
        handler(number, frame)
    handler(number, frame)


def _is_main_thread() -> bool:
    return _get_ident() == _door.main


def _before_fork() -> None:
    _door.forked_by_main = _is_main_thread()


def _after_fork_in_child() -> None:
    # The one thread of a child is its main thread, whichever it was of its parent's.
    _door.main = _get_ident()
    # The call that put our handlers there goes on in the child only where its thread does, the one that forked.
    if _door.is_guarded and not _door.forked_by_main:
        _door.abandon()


os.register_at_fork(before=_before_fork, after_in_child=_after_fork_in_child)


class Deferral:
    """A block in which the main thread is not interrupted; what came meanwhile is delivered at its end."""

    __slots__ = ("_is_inner", "_is_outermost", "_round", "_was_open")

    is_settling = False
    """Whether it must run to its end: no ``Interruptible`` inside lets a signal in."""

    def __enter__(self) -> None:
        """Keep signals out."""
        self._round = 0  # as of no round: no other thread is ever interrupted
        if _get_ident() != _door.main:
            return
        self._is_outermost = self._is_inner = False
        if _door.is_guarded:
            self._was_open = _door.is_open
            _door.is_open = False
            self._is_inner = True
        else:
            self._is_outermost = _door.guard()
        self._round = _door.round
        if self.is_settling:
            _door.settling += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let in what came meanwhile, unless another block still keeps it out."""
        if not _door.is_guarded or self._round != _door.round:
            # An interrupt left a generator behind, which ends late, in the middle of a later call.
            return
        if self.is_settling and (self._is_inner or self._is_outermost):
            _door.settling -= 1
        if self._is_outermost:
            self._is_outermost = False
            _door.leave()
        elif self._is_inner:
            self._is_inner = False
            _door.is_open = self._was_open
            if self._was_open and _door.pending:
                _door.deliver()


class _Settling(Deferral):
    """A block whose outcome comes before any interrupt."""

    __slots__ = ()

    is_settling = True


class Interruptible:
    """A block in which signals are let in after all, where no outcome hangs on it: it waits, or runs a user's code."""

    __slots__ = ("_is_opened",)

    def __init__(self) -> None:
        """Begin with the block."""
        self._is_opened = False

    def __enter__(self) -> None:
        """Let signals in, those first that came before."""
        if not _door.is_guarded or _door.is_open or _door.settling or _get_ident() != _door.main:
            return
        self._is_opened = _door.is_open = True
        if _door.pending:
            try:
                _door.deliver()
            except BaseException:
                _door.is_open = False
                raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Keep them out again."""
        if self._is_opened:
            _door.is_open = False


class AsyncDeferral:
    """The twin of Deferral: a cancellation reaches a task only where it waits, so there is nothing to do."""

    __slots__ = ()

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Do nothing."""


class AsyncInterruptible:
    """The twin of Interruptible: a task that waits can be cancelled."""

    __slots__ = ()

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        """Do nothing."""


async def async_shield(call: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs) -> T:
    """Make the call and run it to its end even when the caller is cancelled meanwhile; the cancellation follows.

    The call bounds itself: what it does ends by its deadline.
    """
    task = asyncio.ensure_future(call(*args, **kwargs))
    # Whoever ends a loop (``asyncio.run`` does) cancels every task that it finds. This one is not to be found: its
    # caller is, and ends only after it. The function is documented for those who make tasks of their own.
    asyncio.tasks._unregister_task(task)  # noqa: SLF001 - see docs.python.org/3/library/asyncio-extending.html
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        # What ``asyncio.wait`` does, for one task that is ours: every commit comes by here.
        ended: asyncio.Future[None] = task.get_loop().create_future()
        task.add_done_callback(partial(_tell_ended, ended))
        try:
            await ended
        except asyncio.CancelledError as error:
            # Several may come while the work ends; each is remembered by the one raised here.
            cancelled = error
    if cancelled is None:
        return task.result()
    if not task.cancelled():
        task.exception()  # marks it as seen: the cancellation is what the caller gets
    raise cancelled


def _tell_ended(ended: "asyncio.Future[None]", _: object) -> None:
    """Wake whoever waits, unless he was cancelled."""
    if not ended.done():
        ended.set_result(None)


def shield(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Make the call and run it to its end even when the main thread is interrupted meanwhile; the interrupt follows."""
    with _Settling():
        return call(*args, **kwargs)
