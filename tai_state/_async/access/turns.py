"""Lines of callers: in the order in which they came, and only the first may act, or the first few.

Unlike a mutex of asyncio, a line is shared by tasks of several event loops, and fair between threads.
"""

import os
import threading
from collections import deque
from collections.abc import AsyncIterator, Hashable, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import islice

from tai_state._platform.forks import anew_in_children
from tai_state._platform.waits import AsyncSignal
from tai_state.clock import Deadline
from tai_state.errors import DeadlineExceededError


class AsyncPlace:
    """One caller's place in a line."""

    def __init__(self, line: "AsyncLine") -> None:
        """Stand behind whoever is there; made by ``AsyncLine.join``."""
        self._line = line
        self._signal: AsyncSignal | None = None

    def expect(self) -> None:
        """Prepare to be called. Who comes first never is, and is most callers."""
        self._signal = AsyncSignal()

    @property
    def is_first(self) -> bool:
        """Whether it is this caller's turn."""
        return self._line.lets(self)

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


class AsyncLine:
    """A line of callers, of whom the first *width* may act."""

    def __init__(self, width: int = 1) -> None:
        """Begin with nobody."""
        self._width = width
        self._guard = threading.Lock()
        self._places: deque[AsyncPlace] = deque()
        self._pid = os.getpid()

    def lets(self, place: AsyncPlace) -> bool:
        """Whether it is the turn of *place*."""
        with self._guard:
            return place in islice(self._places, self._width)

    @contextmanager
    def join(self) -> Iterator[AsyncPlace]:
        """Stand in the line for as long as the block runs; leaving it lets the next one forward."""
        place = AsyncPlace(self)
        try:
            with self._guard:
                if len(self._places) >= self._width:
                    place.expect()
                self._places.append(place)
            yield place
        finally:
            # A fork's child that leaves a line of its parent's has nobody to let forward there.
            if self._pid == os.getpid():
                self._leave(place)

    def _leave(self, place: AsyncPlace) -> None:
        with self._guard:
            was_first = place in islice(self._places, self._width)
            if place in self._places:
                self._places.remove(place)
            following = next(islice(self._places, self._width - 1, None), None) if was_first else None
        if following is not None:
            following.call()


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
        self._lines: dict[Hashable, tuple[AsyncLine, int]] = {}

    def is_empty(self, key: Hashable) -> bool:
        """Whether nobody stands in the line of *key*."""
        with self._guard:
            return key not in self._lines

    @asynccontextmanager
    async def turn(self, key: Hashable, deadline: Deadline) -> AsyncIterator[None]:
        """Wait for the turn at *key*, and hold it inside the block.

        Raises:
            DeadlineExceededError: The turn did not come in time; nothing was done.
        """
        with self.join(key) as place:
            if not await place.wait(deadline.remaining()):
                message = f"other callers kept {key} busy for {deadline.seconds:g} seconds; nothing was written"
                raise DeadlineExceededError(message)
            yield

    @contextmanager
    def join(self, key: Hashable) -> Iterator[AsyncPlace]:
        """Stand in the line of *key* for as long as the block runs."""
        lines = self._lines
        with self._guard:
            line, users = lines.get(key) or (AsyncLine(self._width), 0)
            lines[key] = (line, users + 1)
        try:
            with line.join() as place:
                yield place
        finally:
            # Others by now: we are in a fork's child, and stand in no line of it.
            if lines is self._lines:
                with self._guard:
                    line, users = lines.pop(key)
                    if users > 1:
                        lines[key] = (line, users - 1)
