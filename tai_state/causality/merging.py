"""Three-way merge of JSON-like data, field by field."""

from typing import Any, Final

from tai_state.codec import to_json
from tai_state.crdt import merged_values
from tai_state.errors import InvalidDataError


class _Missing:
    """That there is no such field."""


_MISSING: Final = _Missing()


def merged_data(base: Any, earlier: Any, later: Any, found: list[str]) -> dict[str, Any]:
    """Return the maps *earlier* and *later* merged; None as *base* where none is known.

    Args:
        found: Takes the places that both had changed, each in its own way.

    Raises:
        InvalidDataError: One of them is no map.
    """
    for data in (earlier, later):
        if not isinstance(data, dict):
            message = f"only maps are merged field by field, not {type(data).__name__}"
            raise InvalidDataError(message, path="data")
    merged = _merged((), {} if base is None else base, earlier, later, found, is_known=base is not None)
    assert isinstance(merged, dict)
    return merged


def _merged(path: tuple[str, ...], base: Any, earlier: Any, later: Any, found: list[str], *, is_known: bool) -> Any:
    if _same(earlier, later) or (is_known and _same(earlier, base)):
        return later
    if is_known and _same(later, base):
        return earlier
    if isinstance(earlier, dict) and isinstance(later, dict):
        values = merged_values(earlier, later)
        if values is not None:
            return values
        return _merged_maps(path, base if isinstance(base, dict) else {}, earlier, later, found, is_known=is_known)
    # A field that one side alone has: the other removed it, and this one changed it; or nobody knows, without a base.
    if earlier is _MISSING or later is _MISSING:
        if is_known and base is not _MISSING:
            found.append(".".join(path))
        return earlier if later is _MISSING else later
    found.append(".".join(path))
    return later


def _merged_maps(
    path: tuple[str, ...],
    base: dict[str, Any],
    earlier: dict[str, Any],
    later: dict[str, Any],
    found: list[str],
    *,
    is_known: bool,
) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for key in sorted(earlier.keys() | later.keys()):
        before, one, other = (side.get(key, _MISSING) for side in (base, earlier, later))
        value = _merged((*path, key), before, one, other, found, is_known=is_known)
        if value is not _MISSING:
            merged[key] = value
    return merged


def _same(one: Any, other: Any) -> bool:
    if one is _MISSING or other is _MISSING:
        return one is other
    return to_json(one) == to_json(other)
