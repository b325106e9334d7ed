"""Operations on a whole value: reading, setting, comparing, deleting, counting, and a function of one's own."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from tai_state.errors import ConfigurationError, InvalidDataError
from tai_state.models.keys import ABSENT
from tai_state.rules.keys.arguments import identity, number, number_or_none, stored, stored_or_absent
from tai_state.rules.keys.op import KeyOp, Outcome


@dataclass(frozen=True, slots=True)
class Get(KeyOp):
    """Tell the value of a key; ``default`` where there is none."""

    NAME: ClassVar[str] = "get"
    CHECKS: ClassVar = {"default": stored}
    ONLY_READS: ClassVar[bool] = True

    default: Any = None

    def apply(self, before: Any) -> Outcome:
        """Change nothing."""
        return Outcome(before, self.default if before is ABSENT else before, is_change=False)


@dataclass(frozen=True, slots=True)
class Exists(KeyOp):
    """Tell whether there is a key."""

    NAME: ClassVar[str] = "exists"
    ONLY_READS: ClassVar[bool] = True

    def apply(self, before: Any) -> Outcome:
        """Change nothing."""
        return Outcome(before, before is not ABSENT, is_change=False)


@dataclass(frozen=True, slots=True)
class Set(KeyOp):
    """Give a key a value, whatever it had; tells the value."""

    NAME: ClassVar[str] = "set"
    CHECKS: ClassVar = {"value": stored}
    TELLS_VALUE: ClassVar[bool] = True

    value: Any

    def apply(self, before: Any) -> Outcome:
        """Take the place of what there is."""
        del before
        return Outcome(self.value, self.value)


@dataclass(frozen=True, slots=True)
class Delete(KeyOp):
    """Remove a key; tells whether it was there."""

    NAME: ClassVar[str] = "delete"

    def apply(self, before: Any) -> Outcome:
        """Leave nothing."""
        was_there = before is not ABSENT
        return Outcome(ABSENT, was_there, is_change=was_there)


def _function(fn: object, what: str) -> object:
    if not callable(fn):
        message = f"must be a function of the value, not {fn!r}"
        raise InvalidDataError(message, path=what)
    return fn


@dataclass(frozen=True, slots=True)
class Update(KeyOp):
    """Give a key what ``fn`` makes of its value (``default`` where there is none); tells the value.

    The function is pure: it may be called more than once, each time with a copy of its own. It returns ABSENT to
    remove the key.
    """

    NAME: ClassVar[str] = "update"
    CHECKS: ClassVar = {"fn": _function, "default": stored}
    TELLS_VALUE: ClassVar[bool] = True

    fn: Callable[[Any], object]
    default: Any = None

    def apply(self, before: Any) -> Outcome:
        """Ask the function."""
        made = self.fn(stored(self.default, "default") if before is ABSENT else before)
        if inspect.isawaitable(made):
            if inspect.iscoroutine(made):
                made.close()
            message = f"{self.fn!r} is async: what makes one value of another is a plain function"
            raise ConfigurationError(message)
        value = stored_or_absent(made, "value")
        return Outcome(value, value, is_change=not (value is ABSENT and before is ABSENT))

    def arguments(self) -> dict[str, Any]:
        """Refuse: nothing tells the function."""
        message = "an Update has no JSON form, since it has a function; use another operation, or compare_and_swap"
        raise InvalidDataError(message, path="fn")


@dataclass(frozen=True, slots=True)
class CompareAndSwap(KeyOp):
    """Give a key the value ``new`` where it has the value ``expected``; tells whether it had.

    ABSENT expects that there is none; as the new value it removes the key. Values are equal when they are of the same
    types throughout: 1 is not 1.0.
    """

    NAME: ClassVar[str] = "compare_and_swap"
    CHECKS: ClassVar = {"expected": stored_or_absent, "new": stored_or_absent}

    expected: Any
    new: Any

    def apply(self, before: Any) -> Outcome:
        """Compare first."""
        if before is ABSENT or self.expected is ABSENT:
            is_as_expected = before is self.expected
        else:
            is_as_expected = identity(before) == identity(self.expected)
        if not is_as_expected:
            return Outcome(before, answer=False, is_change=False)
        return Outcome(self.new, answer=True, is_change=not (self.new is ABSENT and before is ABSENT))


@dataclass(frozen=True, slots=True)
class Increment(KeyOp):
    """Add ``by`` to a number; a key that is not there counts as 0. Tells the sum."""

    NAME: ClassVar[str] = "increment"
    CHECKS: ClassVar = {"by": number}
    TELLS_VALUE: ClassVar[bool] = True

    by: int | float = 1

    def apply(self, before: Any) -> Outcome:
        """Add."""
        total = _number_in(self, before) + self.by
        return Outcome(total, total)


@dataclass(frozen=True, slots=True)
class Decrement(KeyOp):
    """Take ``by`` from a number, and go no lower than ``floor``; a missing key counts as 0. Tells the rest."""

    NAME: ClassVar[str] = "decrement"
    CHECKS: ClassVar = {"by": number, "floor": number_or_none}
    TELLS_VALUE: ClassVar[bool] = True

    by: int | float = 1
    floor: int | float | None = None

    def apply(self, before: Any) -> Outcome:
        """Subtract."""
        held = _number_in(self, before)
        rest = held - self.by
        if self.floor is not None and rest < self.floor:
            # What is below it already is not raised.
            rest = max(min(held, self.floor), rest)
        return Outcome(rest, rest)


def _number_in(op: KeyOp, before: Any) -> int | float:
    if before is ABSENT:
        return 0
    if isinstance(before, bool) or not isinstance(before, int | float):
        raise op.wrong("a number", before)
    return before
