"""What Firestore asks of an index before it answers a query, as its documentation says; the emulator asks for none."""

from typing import Any

EQUAL, CONTAINS = 5, 7
ASCENDING, DESCENDING = "ASCENDING", "DESCENDING"
HELD = "CONTAINS"
_DIRECTIONS = {0: ASCENDING, 1: ASCENDING, 2: DESCENDING}
_AUTOMATIC = frozenset({(ASCENDING, "COLLECTION"), (DESCENDING, "COLLECTION"), (HELD, "COLLECTION")})


class Declared:
    """The indexes of a database that is set up by a firestore.indexes.json."""

    def __init__(self, file: dict[str, Any]) -> None:
        self._composites = [
            (one["collectionGroup"], one["queryScope"], [(part["fieldPath"], _mode(part)) for part in one["fields"]])
            for one in file["indexes"]
        ]
        self._fields = {
            (one["collectionGroup"], one["fieldPath"]): {(_mode(each), each["queryScope"]) for each in one["indexes"]}
            for one in file["fieldOverrides"]
        }

    def has_field(self, group: str, name: str, direction: str, scope: str) -> bool:
        """Whether a field is indexed by itself; its own word goes before that of all fields of the group."""
        said = self._fields.get((group, name), self._fields.get((group, "*"), _AUTOMATIC))
        return (direction, scope) in said

    def has_composite(self, group: str, asked: set[tuple[str, str]], last: list[tuple[str, str]], scope: str) -> bool:
        """Whether there is an index of the fields that are asked for, in any order, then of the sorted ones."""
        for place, where, fields in self._composites:
            first, rest = fields[: len(asked)], fields[len(asked) :]
            if (place, where) == (group, scope) and _known(first) == asked and rest == last:
                return True
        return False


def _mode(part: dict[str, str]) -> str:
    return part.get("order") or part["arrayConfig"]


def _known(fields: list[tuple[str, str]]) -> set[tuple[str, str]]:
    # An equality is served in either direction.
    return {(name, ASCENDING if mode == DESCENDING else mode) for name, mode in fields}


def missing_index(query: Any, declared: Declared) -> str | None:
    """Return which index production would miss for a StructuredQuery; None where it would answer."""
    (source,) = query.from_
    group, scope = source.collection_id, "COLLECTION_GROUP" if source.all_descendants else "COLLECTION"
    filters = _filters(query.where)
    asked = {(name, _OF_OPERATOR[operator]) for name, operator in filters if operator in _OF_OPERATOR}
    orders = [(one.field.field_path, _DIRECTIONS[one.direction]) for one in query.order_by]
    *by_field, (last, direction) = orders
    assert last == "__name__", "a page goes on behind a path"
    assert all(way == direction for _, way in by_field), "an index is read in one direction"
    assert {name for name, operator in filters if operator not in _OF_OPERATOR} <= {name for name, _ in by_field}
    if direction == DESCENDING and not by_field:
        # The paths are sorted in the index as its last field is, unless it names them.
        is_there = bool(asked) and declared.has_composite(group, asked, [("__name__", DESCENDING)], scope)
    elif (asked and by_field) or (len(asked) > 1 and scope == "COLLECTION_GROUP"):
        is_there = declared.has_composite(group, asked, by_field, scope)
    else:
        wanted = by_field or list(asked)
        is_there = all(declared.has_field(group, name, way, scope) for name, way in wanted)
    return None if is_there else f"{scope} {group}: {sorted(asked)} {orders}"


_OF_OPERATOR = {EQUAL: ASCENDING, CONTAINS: HELD}


def _filters(where: Any) -> list[tuple[str, int]]:
    parts = [one.field_filter for one in where.composite_filter.filters] or [where.field_filter]
    return [(one.field.field_path, one.op) for one in parts if one.field.field_path]
