"""The turns of one run: a run that met a conflict goes on when nobody stands before it.

Turns make nothing correct, the checks of the commit do. They keep runs that write the same states from spending
their attempts on each other.

1. A commit waits for the runs of this process that stand before it in the lines of the states that it writes, and
   stays in them until its run has ended: it begins anew with nobody of this process before it.
2. A run that goes on meeting conflicts queues with those of other processes, too, by ``queue``.
3. Lines are joined in order, and before the queue; who needs another one leaves all of them and joins anew. A run
   inside a body takes no turn: the run around it may have it. So nobody waits in a circle.
4. No wait takes more than half of the time that is left, and none is an error: the run goes on without its turn.
"""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Optional, Self

from tai_state._async.access.turns import AsyncLines
from tai_state.clock import Clock, Deadline
from tai_state.documents import DocumentPath

AsyncQueue = Callable[[AbstractSet[DocumentPath], float], AbstractAsyncContextManager[None]]
"""Queues for states with the runs of other processes, for at most so many seconds, as long as the block runs."""

_around: ContextVar[Optional["AsyncTurns"]] = ContextVar("tai_state_async_turns", default=None)


class AsyncTurns:
    """The places of one run; ``async with`` gives them up at its end.

    Attributes:
        waited_seconds: How long the run waited for its turn; whoever counts sets it back.
    """

    def __init__(self, lines: AsyncLines, clock: Clock, deadline: Deadline, queue: AsyncQueue | None) -> None:
        """Stand nowhere yet.

        Args:
            lines: A line for each state, which all runs of a store share.
            queue: None: nobody of another process is waited for.
        """
        self._lines = lines
        self._clock = clock
        self._deadline = deadline
        self._queue = queue
        self._places = AsyncExitStack()
        self._held: frozenset[DocumentPath] = frozenset()
        self._is_queued = False
        self.waited_seconds = 0.0
        self._is_over = False
        self._is_inside = is_inside_run()
        self._token: Token[AsyncTurns | None] | None = None

    async def __aenter__(self) -> Self:
        """Begin the run."""
        self._token = _around.set(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give up every place."""
        self._is_over = True
        assert self._token is not None
        _around.reset(self._token)
        await self._leave()

    @property
    def is_over(self) -> bool:
        """Whether the run has ended: a task that it left behind is inside of nothing."""
        return self._is_over

    async def before_commit(self, states: AbstractSet[DocumentPath]) -> bool:
        """Wait for the turn at *states*; return whether somebody of this process was before us."""
        if self._is_inside or self._is_queued or states <= self._held:
            return False
        return await self._join(self._held | states)

    async def after_conflicts(self, states: AbstractSet[DocumentPath], *, queues: bool) -> None:
        """Wait for the turn of another attempt, which may well write *states*.

        Args:
            queues: Whether to queue with the runs of other processes, too.
        """
        if self._is_inside or (states <= self._held and not (queues and self._queue and not self._is_queued)):
            return
        await self._join(self._held | states)
        if queues and self._queue is not None:
            self._is_queued = True
            await self._places.enter_async_context(self._queue(self._held, self._patience()))

    async def _join(self, states: frozenset[DocumentPath]) -> bool:
        await self._leave()
        waited = False
        self._held = states
        began = self._clock.monotonic()
        for path in sorted(states):
            place = self._places.enter_context(self._lines.join(path))
            if not place.is_first:
                waited = True
                await place.wait(self._patience())
        self.waited_seconds += self._clock.monotonic() - began
        return waited

    def _patience(self) -> float:
        return self._deadline.remaining() / 2

    async def _leave(self) -> None:
        self._held, self._is_queued = frozenset(), False
        await self._places.aclose()


def is_inside_run() -> bool:
    """Whether the caller is the body of a run of this colour that is under way."""
    around = _around.get()
    return around is not None and not around.is_over
