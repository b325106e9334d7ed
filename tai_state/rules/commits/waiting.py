"""Changes that wait to be made together: those of one state side by side, in their order, and the oldest first.

Of one state several are one write of it, with an event each. So who takes some takes the oldest one, and what waits of
the same state with it, before the next state: a state has few writes however often it is changed. Nobody waits for
ever: the oldest one is in whatever is taken, unless its state is busy.
"""

from collections import deque
from collections.abc import Container, Iterator
from heapq import heappop, heappush
from itertools import chain
from typing import Generic, Protocol, TypeVar

from tai_state.documents import DocumentPath


class Numbered(Protocol):
    """What can wait."""

    @property
    def number(self) -> int:
        """As which one it came; each has a greater one than those before it."""
        ...

    @property
    def path(self) -> DocumentPath:
        """The state that it changes."""
        ...


NumberedT = TypeVar("NumberedT", bound=Numbered)


class Waiting(Generic[NumberedT]):
    """What waits, by state."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._of: dict[DocumentPath, deque[NumberedT]] = {}
        # Each state once, by the oldest that waits of it.
        self._oldest: list[tuple[int, DocumentPath]] = []
        self._count = 0

    def __len__(self) -> int:
        """Return how many wait."""
        return self._count

    def __iter__(self) -> Iterator[NumberedT]:
        """Iterate over all that wait, state by state."""
        return chain.from_iterable(self._of.values())

    @property
    def first(self) -> NumberedT:
        """The oldest one of all."""
        return self._of[self._oldest[0][1]][0]

    def add(self, item: NumberedT) -> None:
        """Let one more wait, which came behind all others."""
        line = self._of.get(item.path)
        if line is None:
            self._of[item.path] = deque((item,))
            heappush(self._oldest, (item.number, item.path))
        else:
            line.append(item)
        self._count += 1

    def take(self, most: int, busy: Container[DocumentPath]) -> list[NumberedT]:
        """Take as many as there may be, of states that are not *busy*; state by state, each in its order."""
        taken: list[NumberedT] = []
        held: list[tuple[int, DocumentPath]] = []
        while self._oldest and len(taken) < most:
            oldest = heappop(self._oldest)
            path = oldest[1]
            if path in busy:
                held.append(oldest)
                continue
            line = self._of[path]
            while line and len(taken) < most:
                taken.append(line.popleft())
            if line:
                heappush(self._oldest, (line[0].number, path))
            else:
                del self._of[path]
        for one in held:
            heappush(self._oldest, one)
        self._count -= len(taken)
        return taken
