"""Values that converge, merged in any order and any number of times (Shapiro et al., CRDTs, 2011).

Each is a value that never changes: what changes it returns a new one. ``merge`` puts two together, ``delta(since)`` is
what of it an older one lacks: merging that is merging all of it, also when it is lost and sent again, or comes twice.
``to_data`` gives what the data of a state holds, ``from_data`` reads it. A change names the node that makes it; a node
is one writer: no two may change the same value under one name at a time.
"""

from typing import Any

from tai_state.crdt.counters import GCounter, PNCounter
from tai_state.crdt.maps import LWWMap
from tai_state.crdt.observed import MVRegister, ORSet
from tai_state.crdt.registers import LWWRegister
from tai_state.crdt.stored import KIND, Crdt
from tai_state.errors import InvalidDataError

__all__ = [
    "Crdt",
    "GCounter",
    "LWWMap",
    "LWWRegister",
    "MVRegister",
    "ORSet",
    "PNCounter",
    "from_data",
    "merged_values",
]

_KINDS: dict[str, type[Crdt]] = {
    kind.kind: kind for kind in (GCounter, PNCounter, LWWRegister, MVRegister, ORSet, LWWMap)
}


def from_data(data: object, *, path: str = "data") -> Crdt:
    """Return the value of any of these types that *data* holds.

    Raises:
        InvalidDataError: It holds none, or a damaged one; names the place from *path* on.
    """
    kind = data.get(KIND) if isinstance(data, dict) else None
    if not isinstance(kind, str) or kind not in _KINDS:
        message = f"must be one of {', '.join(_KINDS)}, not {kind!r}"
        raise InvalidDataError(message, path=f"{path}.{KIND}")
    return _KINDS[kind].from_data(data, path=path)


def merged_values(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any] | None:
    """Return the merge of two maps that hold values of one of these types; None where they do not."""
    if one.get(KIND) is None or one[KIND] != other.get(KIND):
        return None
    try:
        values: tuple[Any, Any] = from_data(one), from_data(other)
    except InvalidDataError:
        # A map of the user's own that happens to look like one.
        return None
    merged: dict[str, Any] = values[0].merge(values[1]).to_data()
    return merged
