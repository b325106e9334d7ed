# Generated from tai_state/_async/access/turns.py by .ci/generate_sync.py; do not edit.
"""Lines of callers: in the order in which they came, and only the first may act, or the first few.

Unlike a mutex of asyncio, a line is shared by tasks of several event loops, and fair between threads.
"""
import threading
from collections import deque
from collections.abc import Hashable, Sequence
from itertools import islice
from types import TracebackType
from typing import Self

from tai_state._platform.forks import anew_in_children
from tai_state._platform.interrupts import shield
from tai_state._platform.waits import Signal
from tai_state.clock import Deadline
from tai_state.errors import DeadlineExceededError

_LOOK_SECONDS = 0.05


class Lines:
    """A line for each key in use; one in which nobody stands takes no memory. In a fork's child nobody stands."""

    def __init__(self, width: int = 1) -> None:
        """Begin with none; in each the first *width* callers may act."""
        self._width = width
        self.begin_anew()
        anew_in_children(self)

    def begin_anew(self) -> None:
        """Let nobody stand in any line."""
        self._guard = threading.Lock()
        self._lines: dict[Hashable, deque[Standing]] = {}

    def is_empty(self, key: Hashable) -> bool:
        """Whether nobody stands in the line of *key*."""
        with self._guard:
            return key not in self._lines

    def turn(self, key: Hashable, deadline: Deadline, wish: object = None) -> "Turn":
        """Wait for the turn at *key*, and hold it inside the block of what is returned.

        Args:
            wish: What whoever has the turn before may do for this caller (see ``take``); None: nothing.

        Raises:
            DeadlineExceededError: On entering: the turn did not come in time; nothing was done.
        """
        return Turn(self, key, deadline, wish)

    def join(self, key: Hashable) -> "Place":
        """Stand in the line of *key* for as long as the block of what is returned runs."""
        return Place(self, key)

    def enter(self, place: "Standing") -> None:
        """Let *place* stand behind whoever is there."""
        with self._guard:
            line = self._lines.get(place.key)
            if line is None:
                line = self._lines[place.key] = deque()
            # All that others ask of it is there before they see it: another thread may take it, and answer, at once.
            place.line = line
            if len(line) >= self._width:
                place.expect()
            line.append(place)

    def leave(self, place: "Standing") -> None:
        """Let *place* leave its line, and the next one forward."""
        with self._guard:
            line = place.line
            if len(line) == 1 and line[0] is place and self._lines.get(place.key) is line:
                # Nobody else is there, as mostly.
                line.clear()
                del self._lines[place.key]
                return
            following = self._without(place)
        if following is not None:
            following.call()

    def withdraw(self, turn: "Turn") -> bool:
        """Let *turn* leave its line, unless another one is about to do what it wants; return whether it is out of it.

        Whoever is out of it is taken by nobody any more.
        """
        with self._guard:
            if turn.is_taken and self._lines.get(turn.key) is turn.line:
                return False
            following = self._without(turn)
        if following is not None:
            following.call()
        return True

    def _without(self, place: "Standing") -> "Standing | None":
        """Take *place* out of its line, and return whose turn that makes it."""
        line = place.line
        # Another line by now, or none: we are in a fork's child, and stand in none of it.
        if self._lines.get(place.key) is not line:
            return None
        if place not in line:
            return None  # its wish was done, and it was let out
        was_first = place in islice(line, self._width)
        line.remove(place)
        if not line:
            del self._lines[place.key]
        return next(islice(line, self._width - 1, None), None) if was_first else None

    def take(self, turn: "Turn", most: int) -> "list[Turn]":
        """Return those who stand right behind *turn*, which has its turn, and have a wish: *most* of them.

        Each of them waits from now on until it is given back or answered, even when its time is over.
        """
        taken: list[Turn] = []
        with self._guard:
            for place in islice(turn.line, 1, most + 1):
                if not isinstance(place, Turn) or place.wish is None:
                    break
                place.is_taken = True
                taken.append(place)
        return taken

    def give_back(self, turns: "Sequence[Turn]") -> None:
        """Let those who were taken wait for their own turn again, as if nothing had been."""
        with self._guard:
            for turn in turns:
                turn.is_taken = False

    def answer(self, answers: "Sequence[tuple[Turn, object]]") -> None:
        """Let those out of the line whose wish was done, each with what became of it."""
        with self._guard:
            for turn, answer in answers:
                turn.answer = answer
                turn.is_taken = False
                turn.line.remove(turn)
        for turn, _ in answers:
            turn.call()

    def lets(self, place: "Standing", line: "deque[Standing]") -> bool:
        """Whether it is the turn of *place*."""
        with self._guard:
            return place in islice(line, self._width)


class Standing:
    """One caller who stands in a line."""

    __slots__ = ("_lines", "_signal", "key", "line")

    def __init__(self, lines: Lines, key: Hashable) -> None:
        """Stand in no line yet; made by ``Lines.join``."""
        self.key = key
        self._lines = lines
        self.line: deque[Standing] = deque()
        self._signal: Signal | None = None

    def expect(self) -> None:
        """Prepare to be called. Who comes first never is, and is most callers."""
        self._signal = Signal()

    @property
    def came_first(self) -> bool:
        """Whether it was this caller's turn at once."""
        return self._signal is None

    @property
    def is_first(self) -> bool:
        """Whether it is this caller's turn."""
        return self._lines.lets(self, self.line)

    def call(self) -> None:
        """Wake the caller; from any thread."""
        if self._signal is not None:
            self._signal.set()

    def wait(self, seconds: float) -> bool:
        """Wait until it is our turn or *seconds* of real time have passed; return whether it is."""
        if self._signal is not None and not self.is_first:
            # Set once, by whoever leaves the first place to us.
            self._signal.wait(seconds)
        return self.is_first


class Place(Standing):
    """One caller's place in a line, held for as long as the block runs."""

    __slots__ = ()

    def __enter__(self) -> Self:
        """Stand behind whoever is there."""
        self._lines.enter(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave, and let the next one forward."""
        self._lines.leave(self)


class Turn(Standing):
    """The turn of one caller, waited for on entering the block and held inside it.

    Attributes:
        wish: What another one may do for this caller.
        is_taken: Whether another one is about to.
        answer: What became of it; None: nothing, and it is this caller's turn.
    """

    __slots__ = ("_deadline", "answer", "is_taken", "wish")

    def __init__(self, lines: Lines, key: Hashable, deadline: Deadline, wish: object) -> None:
        """Stand in no line yet; made by ``Lines.turn``."""
        self.key = key
        self.wish = wish
        self.answer: object = None
        self.is_taken = False
        self._lines = lines
        self._signal: Signal | None = None
        self._deadline = deadline

    @property
    def is_too_late(self) -> bool:
        """Whether the caller's time is over."""
        return self._deadline.passed

    def __enter__(self) -> None:
        """Wait for the turn, or for an answer.

        Raises:
            DeadlineExceededError: Neither came in time; nothing was done.
        """
        self._lines.enter(self)
        signal = self._signal
        if signal is None:
            return
        try:
            is_ours = self.wait(self._deadline.remaining())
        except BaseException:
            shield(self._step_out, signal)
            raise
        if is_ours:
            return
        shield(self._step_out, signal)
        if self.answer is None:
            seconds = self._deadline.seconds
            message = f"other callers kept {self.key} busy for {seconds:g} seconds; nothing was written"
            raise DeadlineExceededError(message)

    def wait(self, seconds: float) -> bool:
        """Wait until it is our turn, or our wish is done, for *seconds* of real time at most; return whether one is."""
        return super().wait(seconds) or self.answer is not None

    def _step_out(self, signal: Signal) -> None:
        """Leave the line, once what another one has begun for this caller has ended, by a deadline of its own."""
        while not self._lines.withdraw(self):
            signal.wait(_LOOK_SECONDS)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the next one forward."""
        self._lines.leave(self)
