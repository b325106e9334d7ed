"""Operations on values that are lists, or sets of values kept as lists."""

from dataclasses import dataclass
from typing import Any, ClassVar

from tai_state.rules.keys.arguments import count_or_none, identity, several, stored
from tai_state.rules.keys.op import KeyOp, Outcome


@dataclass(frozen=True, slots=True, init=False)
class _Adding(KeyOp):
    """Puts items into a list, of which the newest ``limit`` are kept."""

    CHECKS: ClassVar = {"items": several, "limit": count_or_none}
    TELLS_VALUE: ClassVar[bool] = True

    items: tuple[Any, ...]
    limit: int | None

    def __init__(self, key: str, *items: object, limit: int | None = None, id: str | None = None) -> None:  # noqa: A002 - as in all operations
        """Take the items one by one."""
        _take(self, key=key, items=items, limit=limit, id=id)


@dataclass(frozen=True, slots=True, init=False)
class _OfSet(KeyOp):
    """Is about the items of a list that has each once."""

    CHECKS: ClassVar = {"items": several}

    items: tuple[Any, ...]

    def __init__(self, key: str, *items: object, id: str | None = None) -> None:  # noqa: A002 - as in all operations
        """Take the items one by one."""
        _take(self, key=key, items=items, id=id)


def _take(op: KeyOp, **given: object) -> None:
    for name, value in given.items():
        object.__setattr__(op, name, value)
    op.__post_init__()


class Push(_Adding):
    """Put items behind the others of a list, in their order; beyond ``limit`` the first ones go. Tells the list."""

    __slots__ = ()
    NAME: ClassVar[str] = "push"

    def apply(self, before: Any) -> Outcome:
        """Append."""
        made = [*self.list_in(before), *self.items]
        made = made if self.limit is None else made[-self.limit :]
        return Outcome(made, made)


class Unshift(_Adding):
    """Put items before the others of a list, in their order; beyond ``limit`` the last ones go. Tells the list."""

    __slots__ = ()
    NAME: ClassVar[str] = "unshift"

    def apply(self, before: Any) -> Outcome:
        """Prepend."""
        made = [*self.items, *self.list_in(before)]
        made = made if self.limit is None else made[: self.limit]
        return Outcome(made, made)


@dataclass(frozen=True, slots=True)
class Pop(KeyOp):
    """Take the last item of a list, and tell it; ``default`` where there is none."""

    NAME: ClassVar[str] = "pop"
    CHECKS: ClassVar = {"default": stored}

    default: Any = None

    def apply(self, before: Any) -> Outcome:
        """Take one from the end."""
        held = self.list_in(before)
        return Outcome(held[:-1], held[-1]) if held else Outcome(before, self.default, is_change=False)


@dataclass(frozen=True, slots=True)
class Shift(KeyOp):
    """Take the first item of a list, and tell it; ``default`` where there is none."""

    NAME: ClassVar[str] = "shift"
    CHECKS: ClassVar = {"default": stored}

    default: Any = None

    def apply(self, before: Any) -> Outcome:
        """Take one from the beginning."""
        held = self.list_in(before)
        return Outcome(held[1:], held[0]) if held else Outcome(before, self.default, is_change=False)


class AddToSet(_OfSet):
    """Put those items into a list that are not in it; tells how many those were."""

    __slots__ = ()
    NAME: ClassVar[str] = "add_to_set"

    def apply(self, before: Any) -> Outcome:
        """Add what is new."""
        held = self.list_in(before)
        seen = {identity(one) for one in held}
        new = {one: item for item in self.items if (one := identity(item)) not in seen}
        return Outcome([*held, *new.values()] if new else before, len(new), is_change=bool(new))


class RemoveFromSet(_OfSet):
    """Take items out of a list; tells how many were in it."""

    __slots__ = ()
    NAME: ClassVar[str] = "remove_from_set"

    def apply(self, before: Any) -> Outcome:
        """Leave the others."""
        held = self.list_in(before)
        gone = {identity(item) for item in self.items}
        left = [one for one in held if identity(one) not in gone]
        count = len(held) - len(left)
        return Outcome(left if count else before, count, is_change=bool(count))
