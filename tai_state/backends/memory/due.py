"""The documents that are due, in order: the one index of this engine, whose other queries look at everything."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from datetime import datetime

from tai_state.documents import DocumentPath, Fields, Query

DUE_KEY = "due_key"
_DUE_AT = "due_at"

_Place = tuple[datetime, tuple[str, ...]]


class DueOrder:
    """The paths of the documents that have a ``due_key``, by key, in the order of their ``due_at``.

    Attributes:
        places: Of each of them its key and its place under it.
    """

    __slots__ = ("_orders", "places")

    def __init__(self) -> None:
        """Know of none."""
        self.places: dict[DocumentPath, tuple[str, _Place]] = {}
        self._orders: dict[str, list[_Place]] = {}

    def note(self, path: DocumentPath, fields: Fields) -> None:
        """Take in what a document says now."""
        self.forget(path)
        key, at = fields.get(DUE_KEY), fields.get(_DUE_AT)
        if isinstance(key, str) and isinstance(at, datetime):
            place = at, tuple(str(path).split("/"))
            self.places[path] = key, place
            insort(self._orders.setdefault(key, []), place)

    def forget(self, path: DocumentPath) -> None:
        """Let go of a document, where it is known."""
        known = self.places.pop(path, None)
        if known is not None:
            key, place = known
            order = self._orders[key]
            del order[bisect_left(order, place)]
            if not order:
                del self._orders[key]

    def paths(self, query: Query) -> Iterator[DocumentPath] | None:
        """Return where those are that *query* may ask for, in its order; None for a query of another shape."""
        within = query.within
        if not query.is_group or within is None or within.name != _DUE_AT or query.is_descending or query.contains:
            return None
        (equal, *others) = query.equal or (None,)
        if equal is None or others or equal.name != DUE_KEY or not isinstance(equal.value, str):
            return None
        if not all(bound is None or isinstance(bound, datetime) for bound in (within.at_least, within.below)):
            return None
        return self._between(query, equal.value)

    def _between(self, query: Query, key: str) -> Iterator[DocumentPath]:
        within, after = query.within, query.after
        assert within is not None
        order = self._orders.get(key, [])
        first, end = 0, len(order)
        if isinstance(within.at_least, datetime):
            first = bisect_left(order, (within.at_least, ()))
        if isinstance(within.below, datetime):
            end = bisect_left(order, (within.below, ()))
        if after is not None:
            first = max(first, bisect_right(order, (after.value, tuple(str(after.path).split("/")))))
        for _, parts in order[first:end]:
            yield DocumentPath("/".join(parts[:-1]), parts[-1])
