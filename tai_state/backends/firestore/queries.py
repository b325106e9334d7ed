"""Structured queries: conditions, order and cursor as Firestore spells them."""

from typing import Any

from tai_state.documents import FieldRange, Query

from . import values
from .names import Names

_EQUAL, _AT_LEAST, _LESS, _CONTAINS = 5, 4, 1, 7
_AND = 1
_EDGES = "!~"
"""Of all that stored ids are made of, the one is before, and the other behind."""

_ASCENDING, _DESCENDING = 1, 2


def write_query(target: Any, query: Query, names: Names) -> None:
    """Write the conditions, the order and the cursor of *query* into the raw StructuredQuery *target*."""
    _write_filters(target, query)
    direction = _DESCENDING if query.is_descending else _ASCENDING
    ordered = ["__name__"] if query.within is None else [query.within.name, "__name__"]
    for name in ordered:
        # Explicit, though it is the default: a cursor needs it.
        order = target.order_by.add(direction=direction)
        order.field.field_path = name
    if query.after is not None:
        target.start_at.before = False
        if query.within is not None:
            values.write_value(target.start_at.values.add(), query.after.value)
        target.start_at.values.add().reference_value = names.document(query.after.path)
    if query.below is not None:
        _write_bounds(target, query, query.below, names)


def _write_bounds(target: Any, query: Query, below: str, names: Names) -> None:
    """Write where the paths below *below* begin and end, which no document of ours is; a cursor lies between."""
    first, last = (names.edge(below, character) for character in _EDGES)
    begin, end = (last, first) if query.is_descending else (first, last)
    if query.after is None:
        target.start_at.before = True
        target.start_at.values.add().reference_value = begin
    target.end_at.before = True
    target.end_at.values.add().reference_value = end


def _write_filters(target: Any, query: Query) -> None:
    wanted: list[tuple[int, str, Any]] = [(_EQUAL, one.name, one.value) for one in query.equal]
    wanted += _of_range(query.within)
    if query.contains is not None:
        wanted.append((_CONTAINS, query.contains.name, query.contains.value))
    if len(wanted) == 1:
        _write_filter(target.where.field_filter, *wanted[0])
        return
    for one in wanted:
        target.where.composite_filter.op = _AND
        _write_filter(target.where.composite_filter.filters.add().field_filter, *one)


def _of_range(within: FieldRange | None) -> list[tuple[int, str, Any]]:
    if within is None:
        return []
    bounds = ((_AT_LEAST, within.at_least), (_LESS, within.below))
    return [(operator, within.name, bound) for operator, bound in bounds if bound is not None]


def _write_filter(target: Any, operator: int, name: str, value: Any) -> None:
    target.field.field_path = _field_path(name)
    target.op = operator
    values.write_value(target.value, value)


def _field_path(name: str) -> str:
    if name.isascii() and name.isidentifier():
        return name
    escaped = name.replace("\\", "\\\\").replace("`", "\\`")
    return f"`{escaped}`"
