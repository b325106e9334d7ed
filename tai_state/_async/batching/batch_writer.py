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
from tai_state.rules.commits.waiting import Waiting

if TYPE_CHECKING:
    from datetime import timedelta
    from types import TracebackType

    from tai_state._platform.promises import AsyncFuture
    from tai_state.clock import Deadline, TimeLimit
    from tai_state.documents import DocumentPath
    from tai_state.models import TransitionResult
    from tai_state.rules.commits.change import Change

_IDLE_SECONDS = 3600.0

_BUSY_SECONDS = 0.05
"""For how long at least nobody looks again, where all that is due is of busy states."""

_MAKERS = 2
"""How many batches are under way at once: while the engine has the one, the next one is made ready."""


@quick_dataclass(frozen=True, slots=True)
class _Item(Generic[DataT]):
    """A move that somebody asked for, as which one, since when it waits, and who is told."""

    number: int
    path: DocumentPath
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
        self._waiting: Waiting[_Item[DataT]] = Waiting()
        self._taken: list[list[_Item[DataT]]] = [[] for _ in range(_MAKERS)]
        # Made, or refused, and free again, before their callers know: a callback of one may put the next.
        self._telling: list[tuple[_Item[DataT], ...]] = [()] * _MAKERS
        self._put = 0
        self._asked = 0
        self._outside: deque[AsyncSignal] = deque()
        self._signals: dict[int, AsyncSignal] = {}
        self._makers: dict[int, AsyncBackground] = {}

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
            self._asked = self._put
            # A callback that flushes does not wait for those that are told behind it.
            told = [items for n, items in enumerate(self._telling) if items and not self._makers[n].is_caller]
            waited = [item.promise.future for items in (*told, *self._taken, tuple(self._waiting)) for item in items]
            self._wake()
        return await async_settled(waited, None if timeout is None else seconds_of(timeout))

    async def close(self, *, timeout: TimeLimit = None) -> bool:
        """Take no more moves, and wait until all that were put have an outcome; a second call waits again.

        Args:
            timeout: How many seconds that may take; None: as long as it takes, which the store's deadlines bound. What
                has not begun by then is not made, and has a StoreClosedError; what has begun is made beside the caller.

        Returns:
            Whether all of them were made or refused.
        """
        with self._guard:
            self._is_closed = True
            self._free(len(self._outside))
        is_done = await self.flush(timeout=timeout)
        with self._guard:
            left, self._waiting = list(self._waiting), Waiting()
            self._wake()
            # Those that have something to do yet end by themselves: cut off, they could tell nobody of it.
            makers = list(self._makers.values()) if is_done else []
        for item in left:
            # What was cancelled, or is at this moment, is told as that.
            if item.promise.begin():
                item.promise.settle(_closed())
        for maker in makers:
            if not maker.is_caller:
                await maker.join(DRAIN_SECONDS)
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
            if len(self._waiting) + sum(map(len, self._taken)) >= self._max_pending:
                signal = AsyncSignal()
                self._outside.append(signal)
                return signal
            self._begin_makers()
            self._put += 1
            self._waiting.add(_Item(self._put, change.paths.state, change, self._access.clock.monotonic(), promise))
            if len(self._waiting) == 1 or len(self._waiting) % self._max_items == 0:
                self._wake()
        return None

    def _begin_makers(self) -> None:
        """Begin, with the first move and on the loop that asks for it; one that ended with its loop begins again."""
        for number in range(_MAKERS):
            maker = self._makers.get(number)
            if maker is None or maker.has_ended:
                self._signals[number] = AsyncSignal()
                self._makers[number] = AsyncBackground("tai-batches", partial(self._run, number))

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
        for signal in self._signals.values():
            signal.set()

    def _free(self, places: int) -> None:
        for _ in range(min(places, len(self._outside))):
            self._outside.popleft().set()

    async def _run(self, number: int) -> None:
        signal, taken = self._signals[number], self._taken[number]
        while True:
            seconds = self._take(taken)
            if taken:
                await self._make(number)
            elif seconds is None:
                return
            elif seconds > 0:
                await signal.wait(seconds)

    def _take(self, taken: list[_Item[DataT]]) -> float | None:
        """Take what is to be made now; return for how long to wait where that is nothing, None: for ever."""
        with self._guard:
            if not self._waiting:
                return None if self._is_closed else _IDLE_SECONDS
            first = self._waiting.first
            age = self._access.clock.monotonic() - first.since
            is_asked = first.number <= self._asked or self._is_closed
            is_due = len(self._waiting) >= self._max_items or age >= self._max_wait or is_asked
            if not is_due:
                return self._max_wait - age
            return self._take_those_free(taken)

    def _take_those_free(self, taken: list[_Item[DataT]]) -> float:
        """Take items whose states are in no batch under way: behind those, they keep their order."""
        busy = {item.path for items in self._taken for item in items}
        found = self._waiting.take(self._max_items, busy)
        taken += [item for item in found if item.promise.begin()]
        count = len(found)
        self._free(count - len(taken))
        # Where all are held, whoever has their states tells when they are free; others may come before that.
        return 0.0 if count else max(self._max_wait, _BUSY_SECONDS)

    async def _make(self, number: int) -> None:
        """Make what was taken, and tell each caller."""
        taken = self._taken[number]
        items = tuple(taken)
        outcomes: dict[int, TransitionResult[DataT] | TaiStateError] = {}
        failed: Exception | None = None
        try:
            outcomes = await self._persister.make_each({index: item.change for index, item in enumerate(items)}, None)
        except Exception as error:  # noqa: BLE001 - whatever it is, every caller is told
            failed = error
        finally:
            with self._guard:
                taken.clear()
                self._telling[number] = items if outcomes or failed else ()
                self._free(len(items))
                self._wake()
        for index, item in enumerate(items):
            outcome = outcomes.get(index, failed)
            assert outcome is not None
            item.promise.settle(outcome)
        self._telling[number] = ()


def _closed() -> StoreClosedError:
    message = "this batch writer is closed, and makes no more moves"
    return StoreClosedError(message)
