"""Which index serves a query, and what is still to be looked at in what it finds."""

from dataclasses import dataclass, replace
from datetime import datetime

from tai_state.backends.redis.encoding import to_us
from tai_state.backends.redis.keys import (
    BEHIND_END,
    CHANGES,
    DUE_AT,
    DUE_KEY,
    END,
    EVENTS,
    LABELS,
    STATES,
    TIMESTAMP,
    due_index,
    equal_index,
    label_index,
    place_of,
    text_of,
    time_index,
    time_text,
)
from tai_state.documents import UPDATE_TIME, DocumentPath, FieldRange, Query

Bound = bytes

PAGE_DOCUMENTS = 300
PAGE_BYTES = 4 * 1_048_576


@dataclass(frozen=True, slots=True)
class Walk:
    """A way through an index: its members from *low* to *high*, both as ``ZRANGEBYLEX`` takes them.

    Attributes:
        collection: That of all its documents, where its members are ids; None: they are places.
        skip: How many characters of a member are a time, and what divides it from the rest.
        is_exact: Whether all that it finds is asked for, and nothing else is.
    """

    index: str
    low: Bound
    high: Bound
    collection: str | None = None
    skip: int = 0
    is_descending: bool = False
    is_exact: bool = True

    def path_of(self, member: bytes) -> DocumentPath:
        """Return the path of the document that a member stands for."""
        rest = text_of(member[self.skip :])
        if self.collection is not None:
            return DocumentPath(self.collection, rest)
        collection, _, id_ = rest.replace(END, "/").rpartition("/")
        return DocumentPath(collection, id_)

    def behind(self, member: bytes) -> "Walk":
        """Return the rest of the way behind *member*."""
        beyond = b"(" + member
        return replace(self, high=beyond) if self.is_descending else replace(self, low=beyond)


def scan_walk(collection: str, start: str | None = None, stop: str | None = None) -> Walk:
    """Return the way through the ids of a collection, ``start <= id < stop``."""
    low = b"-" if start is None else b"[" + start.encode()
    return Walk(f"i:{collection}", low, b"+" if stop is None else b"(" + stop.encode(), collection)


def walk_of(query: Query) -> Walk | None:
    """Return the way through the index that serves *query*; None where each document must be looked at and sorted."""
    if query.within is not None:
        return _by_range(query, query.within)
    kind = query.collection.rpartition("/")[2]
    if query.contains is not None and kind == STATES and query.contains.name == LABELS:
        bound = query.below if query.is_group else query.collection
        beginning = "" if bound is None else bound.replace("/", END)
        walk = Walk(
            label_index(query.contains.value), *_beginning(beginning), is_exact=query.is_group and not query.equal
        )
    elif query.is_group:
        return None
    else:
        indexes = [index for one in query.equal if (index := equal_index(query.collection, one.name, one.value))]
        index = indexes[0] if indexes else f"i:{query.collection}"
        conditions = len(query.equal) - bool(indexes) + (query.contains is not None)
        walk = Walk(index, b"-", b"+", query.collection, is_exact=not conditions)
    walk = replace(walk, is_descending=query.is_descending)
    if query.after is None:
        return walk
    path = query.after.path
    return walk.behind((path.id if walk.collection is not None else place_of(path)).encode())


def _beginning(place: str) -> tuple[Bound, Bound]:
    """Return the ends of what is below a place."""
    if not place:
        return b"-", b"+"
    return f"({place}{END}".encode(), f"({place}{BEHIND_END}".encode()


def _by_range(query: Query, within: FieldRange) -> Walk | None:
    kind = query.collection.rpartition("/")[2]
    collection: str | None = None
    is_exact = query.contains is None
    if kind == STATES and within.name == UPDATE_TIME:
        index, width = CHANGES, 16
        is_exact = is_exact and query.is_group and not query.equal
    elif kind == EVENTS and within.name == TIMESTAMP and not query.is_group:
        index, width, collection = time_index(query.collection), 18, query.collection
        is_exact = is_exact and not query.equal
    elif kind == STATES and query.is_group and within.name == DUE_AT:
        keys = [one.value for one in query.equal if one.name == DUE_KEY and isinstance(one.value, str)]
        if not keys:
            return None
        index, width = due_index(str(keys[0])), 18
        is_exact = is_exact and len(query.equal) == 1
    else:
        return None
    bounds = (within.at_least, within.below)
    if not all(bound is None or isinstance(bound, datetime) for bound in bounds):
        return None
    low = b"-" if within.at_least is None else b"[" + _digits(within.at_least, width)
    high = b"+" if within.below is None else b"(" + _digits(within.below, width)
    walk = Walk(index, low, high, collection, width + 1, is_descending=query.is_descending, is_exact=is_exact)
    if query.after is None:
        return walk
    value, path = query.after.value, query.after.path
    rest = path.id if collection is not None else place_of(path)
    return walk.behind(_digits(value, width) + f"{END}{rest}".encode())


def _digits(moment: object, width: int) -> bytes:
    assert isinstance(moment, datetime)
    if width == 16:  # noqa: PLR2004 - of the server's own times, which are after 2001 and before 2286
        return b"%016d" % max(0, min(to_us(moment), 10**16 - 1))
    return time_text(moment).encode()


def group_bounds(query: Query) -> tuple[str, Bound, Bound]:
    """Return the index of the collections of a group, and the ends of those that *query* covers, and few others."""
    index = f"g:{query.collection}"
    if query.below is None:
        return index, b"-", b"+"
    # A collection may itself be the bound.
    place = query.below.replace("/", END)
    return index, f"[{place}".encode(), f"({place}{BEHIND_END}".encode()
