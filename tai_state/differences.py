"""What lies between two values: a list of facts, path by path, by which one becomes the other.

A pure function and its inverse: ``applied(old, differences(old, new))`` is *new*. Values are what a store holds, told
apart as it tells them apart: 1, 1.0 and true are three. Maps are compared key by key, lists by what their items have in
common (Ratcliff and Obershelp's matching of blocks, as in Python's difflib), so that an item that was put in front does
not change all that follow.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

from tai_state.codec import to_json
from tai_state.documents import Value
from tai_state.errors import InvalidDataError

Path = tuple[str | int, ...]

_COMPARED_MAX = 1_000_000
"""The most pairs of items of which common blocks are looked for; longer lists are compared place by place."""

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Difference:
    """One fact.

    Attributes:
        kind: What became of the value at *path*.
        path: Keys of maps and indices of lists, from the outside in. The indices are those of the old value, but for
            the last one of what was added, which is that of the new value.
        old: What was there; None where it was added.
        new: What is there; None where it was removed.
    """

    kind: Literal["added", "removed", "changed"]
    path: Path
    old: Value = None
    new: Value = None

    @property
    def place(self) -> str:
        """The path as people write it, such as ``items[2].price``."""
        text = "".join(map(_step, self.path))
        return text.removeprefix(".")


def _step(part: str | int) -> str:
    if isinstance(part, int):
        return f"[{part}]"
    return f".{part}" if _PLAIN.fullmatch(part) else f"[{json.dumps(part, ensure_ascii=False)}]"


def differences(old: Value, new: Value) -> list[Difference]:
    """Return what lies between two values, in an order in which ``applied`` takes it; none where they are equal.

    In a list come first the changes inside of items, then what was removed, from its end, then what was added.
    """
    return list(_between((), old, new))


def _between(path: Path, old: Value, new: Value) -> Iterator[Difference]:
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _between_maps(path, old, new)
    elif isinstance(old, list) and isinstance(new, list):
        yield from _between_lists(path, old, new)
    elif to_json(old) != to_json(new):
        yield Difference("changed", path, old, new)


def _between_maps(path: Path, old: dict[str, Value], new: dict[str, Value]) -> Iterator[Difference]:
    for key in sorted(old.keys() | new.keys()):
        place = (*path, key)
        if key not in new:
            yield Difference("removed", place, old=old[key])
        elif key not in old:
            yield Difference("added", place, new=new[key])
        else:
            yield from _between(place, old[key], new[key])


def _between_lists(path: Path, old: list[Value], new: list[Value]) -> Iterator[Difference]:
    removed: list[int] = []
    added: list[int] = []
    for old_from, old_to, new_from, new_to in _replaced(list(map(to_json, old)), list(map(to_json, new))):
        paired = min(old_to - old_from, new_to - new_from)
        for step in range(paired):
            yield from _between((*path, old_from + step), old[old_from + step], new[new_from + step])
        removed += range(old_from + paired, old_to)
        added += range(new_from + paired, new_to)
    # From the end, then from the beginning: so each index is true when its turn comes.
    for at in reversed(removed):
        yield Difference("removed", (*path, at), old=old[at])
    for at in added:
        yield Difference("added", (*path, at), new=new[at])


def _replaced(old: Sequence[bytes], new: Sequence[bytes]) -> Iterator[tuple[int, int, int, int]]:
    """Yield what is not common to two lists: from where to where in the old one, and in the new one."""
    shorter = min(len(old), len(new))
    first = next((at for at in range(shorter) if old[at] != new[at]), shorter)
    last = next((at for at in range(shorter - first) if old[-1 - at] != new[-1 - at]), shorter - first)
    old_rest, new_rest = old[first : len(old) - last], new[first : len(new) - last]
    if len(old_rest) * len(new_rest) > _COMPARED_MAX:
        yield first, first + len(old_rest), first, first + len(new_rest)
        return
    # Not by its guess that what is frequent is noise.
    matcher = SequenceMatcher(None, old_rest, new_rest, autojunk=False)
    for kind, old_from, old_to, new_from, new_to in matcher.get_opcodes():
        if kind != "equal":
            yield first + old_from, first + old_to, first + new_from, first + new_to


def applied(old: Value, found: Iterable[Difference]) -> Value:
    """Return what *old* becomes by the facts, one after the other; *old* stays as it is.

    Raises:
        InvalidDataError: One of them is not about such a value; names its path.
    """
    # In a list of its own, the value has a place like any other.
    root = [deepcopy(old)]
    for fact in found:
        *way, last = (0, *fact.path)
        try:
            parent: Any = root
            for part in way:
                parent = parent[part]
            _apply(fact, parent, last)
        except (LookupError, TypeError) as error:
            message = f"there is no such value, which was {fact.kind}"
            raise InvalidDataError(message, path=fact.place) from error
    return root[0]


def _apply(fact: Difference, parent: Any, last: str | int) -> None:
    if fact.kind == "removed":
        del parent[last]
    elif fact.kind == "changed":
        _ = parent[last]  # a fact about nothing is none
        parent[last] = deepcopy(fact.new)
    elif type(parent) is not list:
        parent[last] = deepcopy(fact.new)
    elif isinstance(last, int) and 0 <= last <= len(parent):
        parent.insert(last, deepcopy(fact.new))
    else:
        raise LookupError(last)
