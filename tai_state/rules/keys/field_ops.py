"""Operations on the fields of values that are maps, at any depth."""

from dataclasses import dataclass
from typing import Any, ClassVar

from tai_state.models.keys import ABSENT
from tai_state.rules.keys.arguments import place, stored
from tai_state.rules.keys.op import KeyOp, Outcome


@dataclass(frozen=True, slots=True)
class SetField(KeyOp):
    """Set the field at ``path``, and make the maps that lead there; tells the whole value.

    A path is a text such as ``"address.city"``, or a sequence of names, which may hold dots.
    """

    NAME: ClassVar[str] = "set_field"
    CHECKS: ClassVar = {"path": place, "value": stored}
    TELLS_VALUE: ClassVar[bool] = True

    path: Any
    value: Any

    def apply(self, before: Any) -> Outcome:
        """Copy the maps on the way, and leave the others as they are."""
        root: dict[str, Any] = {}
        made, held = root, before
        for depth, name in enumerate(self.path):
            if held is not ABSENT:
                made.update(_map_in(self, held, self.path[:depth]))
            held = made.get(name, ABSENT)
            if depth < len(self.path) - 1:
                inner: dict[str, Any] = {}
                made[name] = inner
                made = inner
        made[self.path[-1]] = self.value
        return Outcome(root, root)


@dataclass(frozen=True, slots=True)
class DeleteField(KeyOp):
    """Remove the field at ``path``; tells whether it was there."""

    NAME: ClassVar[str] = "delete_field"
    CHECKS: ClassVar = {"path": place}

    path: Any

    def apply(self, before: Any) -> Outcome:
        """Copy the maps on the way, and leave the others as they are."""
        if before is ABSENT:
            return Outcome(before, answer=False, is_change=False)
        root = dict(_map_in(self, before, ()))
        made = root
        for depth, name in enumerate(self.path[:-1], 1):
            if name not in made:
                return Outcome(before, answer=False, is_change=False)
            inner = dict(_map_in(self, made[name], self.path[:depth]))
            made[name] = inner
            made = inner
        if self.path[-1] not in made:
            return Outcome(before, answer=False, is_change=False)
        del made[self.path[-1]]
        return Outcome(root, answer=True)


def _map_in(op: KeyOp, held: Any, at: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(held, dict):
        raise op.wrong("a map", held, at)
    return held
