"""Lines of callers: in the order in which they came, and only the first may act, or the first few.

Unlike a mutex of asyncio, a line is shared by tasks of several event loops, and fair between threads.
"""

import threading
from collections import deque
from collections.abc import Hashable
from itertools import islice
from types import TracebackType
from typing import Self

from tai_state._platform.forks import anew_in_children
from tai_state._platform.waits import AsyncSignal
from tai_state.clock import Deadline
from tai_state.errors import DeadlineExceededError


class AsyncLines:
    """A line for each key in use; one in which nobody stands takes no memory. In a fork's child nobody stands."""

    def __init__(self, width: int = 1) -> None:
        """Begin with none; in each the first *width* callers may act."""
        self._width = width
        self.begin_anew()
        anew_in_children(self)

    def begin_anew(self) -> None:
        """Let nobody stand in any line."""
        self._guard = threading.Lock()
        self._lines: dict[Hashable, deque[AsyncStanding]] = {}

    def is_empty(self, key: Hashable) -> bool:
        """Whether nobody stands in the line of *key*."""
        with self._guard:
            return key not in self._lines

    def turn(self, key: Hashable, deadline: Deadline) -> "AsyncTurn":
        """Wait for the turn at *key*, and hold it inside the block of what is returned.

        Raises:
            DeadlineExceededError: On entering: the turn did not come in time; nothing was done.
        """
        return AsyncTurn(self, key, deadline)

    def join(self, key: Hashable) -> "AsyncPlace":
        """Stand in the line of *key* for as long as the block of what is returned runs."""
        return AsyncPlace(self, key)

    def enter(self, place: "AsyncStanding") -> "deque[AsyncStanding]":
        """Let *place* stand behind whoever is there, and return its line."""
        with self._guard:
            line = self._lines.get(place.key)
            if line is None:
                line = self._lines[place.key] = deque()
            if len(line) >= self._width:
                place.expect()
            line.append(place)
            return line

    def leave(self, place: "AsyncStanding", line: "deque[AsyncStanding]") -> None:
        """Let *place* leave its *line*, and the next one forward."""
        # Another line by now, or none: we are in a fork's child, and stand in none of it.
        with self._guard:
            if self._lines.get(place.key) is not line:
                return
            was_first = place in islice(line, self._width)
            line.remove(place)
            if not line:
                del self._lines[place.key]
            following = next(islice(line, self._width - 1, None), None) if was_first else None
        if following is not None:
            following.call()

    def lets(self, place: "AsyncStanding", line: "deque[AsyncStanding]") -> bool:
        """Whether it is the turn of *place*."""
        with self._guard:
            return place in islice(line, self._width)


class AsyncStanding:
    """One caller who stands in a line."""

    __slots__ = ("_line", "_lines", "_signal", "key")

    def __init__(self, lines: AsyncLines, key: Hashable) -> None:
        """Stand in no line yet; made by ``AsyncLines.join``."""
        self.key = key
        self._lines = lines
        self._line: deque[AsyncStanding] = deque()
        self._signal: AsyncSignal | None = None

    def expect(self) -> None:
        """Prepare to be called. Who comes first never is, and is most callers."""
        self._signal = AsyncSignal()

    @property
    def came_first(self) -> bool:
        """Whether it was this caller's turn at once."""
        return self._signal is None

    @property
    def is_first(self) -> bool:
        """Whether it is this caller's turn."""
        return self._lines.lets(self, self._line)

    def call(self) -> None:
        """Wake the caller; from any thread."""
        if self._signal is not None:
            self._signal.set()

    async def wait(self, seconds: float) -> bool:
        """Wait until it is our turn or *seconds* of real time have passed; return whether it is."""
        if self._signal is not None and not self.is_first:
            # Set once, by whoever leaves the first place to us.
            await self._signal.wait(seconds)
        return self.is_first


class AsyncPlace(AsyncStanding):
    """One caller's place in a line, held for as long as the block runs."""

    __slots__ = ()

    def __enter__(self) -> Self:
        """Stand behind whoever is there."""
        self._line = self._lines.enter(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave, and let the next one forward."""
        self._lines.leave(self, self._line)


class AsyncTurn(AsyncStanding):
    """The turn of one caller, waited for on entering the block and held inside it."""

    __slots__ = ("_deadline",)

    def __init__(self, lines: AsyncLines, key: Hashable, deadline: Deadline) -> None:
        """Stand in no line yet; made by ``AsyncLines.turn``."""
        self.key = key
        self._lines = lines
        self._signal: AsyncSignal | None = None
        self._deadline = deadline

    async def __aenter__(self) -> None:
        """Wait.

        Raises:
            DeadlineExceededError: The turn did not come in time; nothing was done.
        """
        self._line = self._lines.enter(self)
        if self._signal is None:
            return
        is_ours = False
        try:
            is_ours = await self.wait(self._deadline.remaining())
        finally:
            if not is_ours:
                self._lines.leave(self, self._line)
        if not is_ours:
            seconds = self._deadline.seconds
            message = f"other callers kept {self.key} busy for {seconds:g} seconds; nothing was written"
            raise DeadlineExceededError(message)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the next one forward."""
        self._lines.leave(self, self._line)
