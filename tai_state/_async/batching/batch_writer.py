"""A writer that makes few commits of many moves."""

from __future__ import annotations

import threading
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Generic, Self

from tai_state._async.api.persister import AsyncStateMachinePersister
from tai_state._platform.backgrounds import AsyncBackground
from tai_state._platform.forks import anew_in_children
from tai_state._platform.promises import AsyncPromise, async_settled
from tai_state._platform.waits import AsyncSignal
from tai_state.clock import seconds_of
from tai_state.config import DRAIN_SECONDS, check_colour, check_count, check_kind
from tai_state.errors import DeadlineExceededError, StoreClosedError, TaiStateError
from tai_state.frozen import quick_dataclass
from tai_state.models import DataT, TransitionRequest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta
    from types import TracebackType

    from tai_state._platform.promises import AsyncFuture
    from tai_state.clock import Deadline, TimeLimit
    from tai_state.models import TransitionResult
    from tai_state.rules.commits.change import Change

_IDLE_SECONDS = 3600.0


@quick_dataclass(frozen=True, slots=True)
class _Item(Generic[DataT]):
    """A move that somebody asked for, since when it waits, and who is told."""

    change: Change
    since: float
    promise: AsyncPromise[TransitionResult[DataT]]


class AsyncBatchWriter(Generic[DataT]):
    """Makes the moves that it is given in commits of many states, and tells each caller what became of his own.

    Items of one state are made in the order in which they were put. A conflict or a refusal of one fails no other. It
    makes moves while it lives, beside its callers; leave it as a context manager, or close it, and nothing is left.

    What a crash takes are items without an outcome: put again under the same ``idempotency_key``, each is made once.
    """

    def __init__(
        self,
        persister: AsyncStateMachinePersister[DataT],
        *,
        max_items: int = 100,
        max_wait: float | timedelta = 0.1,
        max_pending: int = 10_000,
    ) -> None:
        """Write by *persister*; nothing is written yet.

        Args:
            max_items: How many items are taken at once, as soon as there are so many.
            max_wait: How many seconds an item waits for others at most, before what there is is taken.
            max_pending: While so many items have no outcome, ``put`` waits.

        Raises:
            ConfigurationError: *persister* is none, or of the other colour, or has no machine; or a number cannot be.
        """
        check_colour(persister, AsyncStateMachinePersister, self)
        persister.require_machine()
        self._persister = persister
        self._access = persister.store.runtime.access
        self._max_items = check_count(max_items, "max_items", least=1)
        self._max_wait = seconds_of(max_wait, may_be_zero=True)
        self._max_pending = check_count(max_pending, "max_pending", least=1)
        self._is_closed = False
        self.begin_anew()
        anew_in_children(self)

    def begin_anew(self) -> None:
        """Begin with nothing: what a fork's parent has taken is the parent's to make."""
        self._guard = threading.Lock()
        self._waiting: deque[_Item[DataT]] = deque()
        self._taken: Sequence[_Item[DataT]] = ()
        self._asked = 0
        self._outside: deque[AsyncSignal] = deque()
        self._signal: AsyncSignal | None = None
        self._background: AsyncBackground | None = None

    async def put(
        self, request: TransitionRequest, *, timeout: TimeLimit = None
    ) -> AsyncFuture[TransitionResult[DataT]]:
        """Take a move, and return the future of its outcome: what ``transition`` returns, or raises.

        A future that is cancelled before its move was taken takes it back; later, the move is made all the same.

        Args:
            timeout: How long to wait for a place while ``max_pending`` items have no outcome.

        Raises:
            StoreClosedError: The writer is closed.
            DeadlineExceededError: There was no place in time; the move is not made.
            ConfigurationError: *request* is no TransitionRequest.
        """
        check_kind(request, TransitionRequest, "request")
        promise: AsyncPromise[TransitionResult[DataT]] = AsyncPromise()
        try:
            # Now: who asks for it, and why, is known to his own thread or task alone.
            change = self._persister.change_of(request)
        except TaiStateError as error:
            promise.settle(error)
            return promise.future
        deadline = self._access.begin(timeout)
        while (place := self._place(change, promise)) is not None:
            await self._wait(place, deadline)
        return promise.future

    async def flush(self, *, timeout: TimeLimit = None) -> bool:
        """Have all that was put until now made at once, and wait for the outcomes; None: however long it takes.

        Returns:
            Whether all have one. (What they are, the futures tell.)
        """
        with self._guard:
            self._asked = len(self._waiting)
            waited = [item.promise.future for item in (*self._taken, *self._waiting)]
            self._wake()
        return await async_settled(waited, None if timeout is None else seconds_of(timeout))

    async def close(self, *, timeout: TimeLimit = None) -> bool:
        """Take no more moves, and wait until all that were put have an outcome; a second call waits again.

        Args:
            timeout: How many seconds that may take; None: as long as it takes, which the store's deadlines bound. What
                has not begun by then is not made, and has a StoreClosedError.

        Returns:
            Whether all of them were made or refused.
        """
        with self._guard:
            self._is_closed = True
            while self._outside:
                self._outside.popleft().set()
        is_done = await self.flush(timeout=timeout)
        with self._guard:
            left, self._waiting = list(self._waiting), deque()
            self._wake()
            background = self._background
        for item in left:
            item.promise.settle(_closed())
        if background is not None and not background.is_caller:
            await background.join(DRAIN_SECONDS)
        return is_done

    async def __aenter__(self) -> Self:
        """Return itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it: what was put is made."""
        await self.close()

    # Inside

    def _place(self, change: Change, promise: AsyncPromise[TransitionResult[DataT]]) -> AsyncSignal | None:
        """Let a move wait with the others; where there is no place, return what tells of one.

        Raises:
            StoreClosedError: The writer is closed.
        """
        with self._guard:
            if self._is_closed:
                raise _closed()
            if len(self._waiting) + len(self._taken) >= self._max_pending:
                signal = AsyncSignal()
                self._outside.append(signal)
                return signal
            self._waiting.append(_Item(change, self._access.clock.monotonic(), promise))
            if self._background is None or self._background.has_ended:
                # With the first move, and on the loop that asks for it; one that ended with its loop is made again.
                self._signal = AsyncSignal()
                self._background = AsyncBackground("tai-batches", partial(self._run, self._signal))
            elif len(self._waiting) == 1 or len(self._waiting) >= self._max_items:
                self._wake()
        return None

    async def _wait(self, place: AsyncSignal, deadline: Deadline) -> None:
        """Wait for a place.

        Raises:
            DeadlineExceededError: There was none in time.
        """
        is_told = False
        try:
            is_told = await place.wait(deadline.remaining())
        finally:
            with self._guard:
                if place in self._outside:
                    self._outside.remove(place)
                elif not is_told and self._outside:
                    # Called, and gone: the place is the next one's.
                    self._outside.popleft().set()
        if not is_told:
            message = f"no place came free among {self._max_pending:,} pending moves in {deadline.seconds:g} seconds"
            raise DeadlineExceededError(message)

    def _wake(self) -> None:
        if self._signal is not None:
            self._signal.set()

    async def _run(self, signal: AsyncSignal) -> None:
        while True:
            seconds = self._take()
            if self._taken:
                await self._make(self._taken)
            elif seconds is None:
                return
            else:
                await signal.wait(seconds)

    def _take(self) -> float | None:
        """Take what is to be made now; return for how long to wait where that is nothing, None: for ever."""
        with self._guard:
            if not self._waiting:
                return None if self._is_closed else _IDLE_SECONDS
            age = self._access.clock.monotonic() - self._waiting[0].since
            is_due = len(self._waiting) >= self._max_items or age >= self._max_wait or self._asked or self._is_closed
            if not is_due:
                return self._max_wait - age
            taken = [self._waiting.popleft() for _ in range(min(self._max_items, len(self._waiting)))]
            self._asked = max(0, self._asked - len(taken))
            self._taken = [item for item in taken if item.promise.begin()]
        return 0.0

    async def _make(self, taken: Sequence[_Item[DataT]]) -> None:
        """Make what was taken, and tell each caller."""
        outcomes: dict[int, TransitionResult[DataT] | TaiStateError] = {}
        failed: Exception | None = None
        try:
            outcomes = await self._persister.make_each({index: item.change for index, item in enumerate(taken)}, None)
        except Exception as error:  # noqa: BLE001 - whatever it is, every caller is told
            failed = error
        finally:
            with self._guard:
                self._taken = ()
                for signal in [self._outside.popleft() for _ in range(min(len(taken), len(self._outside)))]:
                    signal.set()
        for index, item in enumerate(taken):
            outcome = outcomes.get(index, failed)
            assert outcome is not None
            item.promise.settle(outcome)


def _closed() -> StoreClosedError:
    message = "this batch writer is closed, and makes no more moves"
    return StoreClosedError(message)
