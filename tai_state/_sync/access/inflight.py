# Generated from tai_state/_async/access/inflight.py by .ci/generate_sync.py; do not edit.
"""The calls under way: counted, so that they can be ended in bounded time before a store closes."""
from collections.abc import Iterator
from types import TracebackType
from typing import Optional, TypeVar

from tai_state._sync.access.damage import tell_damage
from tai_state._platform.callers import caller
from tai_state._platform.forks import anew_in_children
from tai_state._platform.interrupts import Deferral
from tai_state._platform.iterators import end
from tai_state._platform.tasks import sleep
from tai_state.clock import Deadline, SystemClock
from tai_state.errors import CorruptLogError, StoreClosedError
from tai_state.observers import Observation, Observers, Operation

T = TypeVar("T")

_POLL_SECONDS = 0.005


class Call(Deferral):
    """One call under way, for as long as the block runs; in the main thread it is interrupted only where it waits."""

    __slots__ = (
        "_governor_id",
        "_inflight",
        "_is_new",
        "_name",
        "_observation",
        "_part_of",
        "_state_id",
    )

    def __init__(
        self,
        inflight: "InFlight",
        name: str | None,
        governor_id: str | None,
        state_id: str | None,
        *,
        is_new: bool,
        part_of: Operation | None = None,
    ) -> None:
        """Count it with the block.

        Whoever looks on is told of it as an operation of its *name*; without one it is a part of an iteration, which is
        *part_of* where it is told of.
        """
        self._inflight = inflight
        self._is_new = is_new
        self._name = name
        self._governor_id = governor_id
        self._state_id = state_id
        self._part_of = part_of
        self._observation: Observation | None = None

    def __enter__(self) -> None:
        """Count it.

        Raises:
            StoreClosedError: No new call is let in.
        """
        super().__enter__()
        try:
            own = caller()
            for door in self._inflight.doors:
                # As ``begin`` does it.
                door.calls[self] = own
                if door.is_shut and self._is_new:
                    self._inflight.end(self)
                    door.check()
            if self._inflight.observers.all:
                self._observe()
        except BaseException:
            super().__exit__(None, None, None)
            raise

    def _observe(self) -> None:
        observers, operation = self._inflight.observers, self._part_of
        try:
            if self._name is not None:
                operation = observers.begin(self._name, self._governor_id, self._state_id)
            if operation is not None:
                self._observation = observers.enter(operation)
        except BaseException:
            # An observer that ends the program ends no count of calls.
            self._inflight.end(self)
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Count it no more; what it found damaged is told once, wherever it was found."""
        try:
            if self._observation is not None:
                self._observation.leave()
                if self._name is not None:
                    self._inflight.observers.end(self._observation.operation, error)
        finally:
            for door in self._inflight.doors:
                door.calls.pop(self, None)
            if isinstance(error, CorruptLogError):
                tell_damage(error)
            super().__exit__(kind, error, trace)


class _Door:
    """What lets calls in, and knows those under way.

    Without a lock, which each call would take four times: a call is put among them first, and looks at the door then.
    So whoever has shut it finds all that were let in. (A step of a dict is one step to other threads.)
    """

    def __init__(self, what: str) -> None:
        self.what = what
        self.is_shut = False
        self.begin_anew()
        anew_in_children(self)

    def begin_anew(self) -> None:
        """Know of no call: those under way are the parent's."""
        self.calls: dict[object, int] = {}

    def check(self) -> None:
        if self.is_shut:
            message = f"{self.what} is drained or closed, and takes no more calls"
            raise StoreClosedError(message)


class InFlight:
    """A count of calls under way, and a door that can be shut."""

    def __init__(self, what: str = "the store", within: Optional["InFlight"] = None) -> None:
        """Begin open, with none under way.

        Args:
            what: Whose calls they are, as an error says it.
            within: Counts these calls, too, and shuts them out with its own.
        """
        self._door = _Door(what)
        self.doors: tuple[_Door, ...] = (self._door,) if within is None else (*within.doors, self._door)
        """Those that a call passes, the outermost first."""
        self.observers: Observers = within.observers if within is not None else Observers()
        """Who looks on at the store's calls, and so at these."""

    def one(self, name: str, governor_id: str | None = None, state_id: str | None = None) -> Call:
        """Count one call for as long as the block of the returned context manager runs.

        Args:
            name: What it is called to those who look on; inside of another call it is a part of that.
            governor_id, state_id: What it is about.

        Raises:
            StoreClosedError: On entering: it is drained or closed.
        """
        return Call(self, name, governor_id, state_id, is_new=True)

    def check(self) -> None:
        """Do nothing while calls are let in; one that may wait for long asks now and then.

        Raises:
            StoreClosedError: It is drained or closed.
        """
        for door in self.doors:
            door.check()

    def begin(self, call: object, *, is_new: bool) -> None:
        """Count a *call* of whoever makes it; a new one is let in only while the door is open.

        Raises:
            StoreClosedError: It is shut.
        """
        own = caller()
        for door in self.doors:
            door.calls[call] = own
            if is_new and door.is_shut:
                self.end(call)
                door.check()

    def end(self, call: object) -> None:
        """Count a call no more; one that began before a fork is not counted in the child."""
        for door in self.doors:
            door.calls.pop(call, None)

    def reading(
        self, items: Iterator[T], name: str, governor_id: str | None = None, state_id: str | None = None
    ) -> Iterator[T]:
        """Pass *items* on, which are let in once; only the wait for each next one is a call under way.

        What the reader does between two of them is not: one who stops reading holds up nobody. To those who look on
        all of it is one operation, as for ``one``.

        Raises:
            StoreClosedError: It is drained or closed.
        """
        operation = self.observers.begin(name, governor_id, state_id) if self.observers.all else None
        is_new = True
        failed: BaseException | None = None
        try:
            while True:
                with Call(self, None, None, None, is_new=is_new, part_of=operation):
                    try:
                        item = next(items)
                    except StopIteration:
                        return
                is_new = False
                yield item
        except GeneratorExit:
            # Its reader has enough.
            raise
        except BaseException as error:
            failed = error
            raise
        finally:
            # With a reader who has enough *items* end here, and not whenever their memory is wanted: what a request
            # under way has read is told then, as a part of this.
            with Call(self, None, None, None, is_new=False, part_of=operation):
                end(items)
            if operation is not None:
                self.observers.end(operation, failed)

    def refuse(self) -> None:
        """Let no new call in."""
        self._door.is_shut = True

    def drain(self, timeout: float) -> bool:
        """Let no new call in, wait up to *timeout* seconds for the others; return whether all ended.

        Those of the caller itself are not waited for: a signal's handler that drains interrupts one, which ends
        only after it.
        """
        self.refuse()
        own = caller()
        # Real seconds: calls under way end in real time, whatever clock their store goes by.
        deadline = Deadline(SystemClock(), timeout)
        while self._others(own) and not deadline.passed:
            sleep(_POLL_SECONDS)
        return not self._others(own)

    def _others(self, own: int) -> bool:
        return any(caller != own for caller in self._door.calls.copy().values())
