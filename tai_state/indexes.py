"""The queries that the package makes, and the indexes that they need: one list for engines, operators and checks."""

from dataclasses import dataclass
from enum import StrEnum

from tai_state.documents import UPDATE_TIME, Query


class Mode(StrEnum):
    """How a field stands in an index."""

    ASCENDING = "ascending"
    DESCENDING = "descending"
    CONTAINS = "contains"  # each item of its list by itself


@dataclass(frozen=True, slots=True)
class Asked:
    """The shape of a query: all of it but the values.

    Attributes:
        collection: The last part of the path of the collections that are asked.
        equal: The names of the fields that must equal something, ascending.
        within: The name of the field of its range.
        contains: The name of the field whose list must hold something.
    """

    collection: str
    equal: tuple[str, ...] = ()
    within: str | None = None
    is_group: bool = False
    is_descending: bool = False
    contains: str | None = None


@dataclass(frozen=True, slots=True)
class Index:
    """A composite index of Firestore, or the one of a field of a collection group.

    Attributes:
        fields: The names of its fields in their order, each with its mode.
    """

    collection: str
    fields: tuple[tuple[str, Mode], ...]
    is_group: bool = False

    def __str__(self) -> str:
        """Return what a person can make it from."""
        scope = "collection group" if self.is_group else "collection"
        named = ", ".join(f"{name} {mode}" for name, mode in self.fields)
        return f"{named} (of the {scope} {self.collection!r})"


ASKED = (
    Asked("states", equal=("status",)),
    Asked("states", equal=("deleted",)),
    Asked("states", equal=("deleted", "status")),
    Asked("states", equal=("machine_name",)),
    Asked("states", equal=("deleted", "machine_name")),
    Asked("states", equal=("machine_name", "status")),
    Asked("states", equal=("deleted", "machine_name", "status")),
    Asked("states", equal=("deleted",), is_descending=True),
    Asked("states", equal=("status",), is_descending=True),
    Asked("states", is_group=True, contains="labels"),
    Asked("states", is_group=True, is_descending=True, contains="labels"),
    Asked("states", equal=("due_key",), within="due_at", is_group=True),
    Asked("states", equal=("feed_key",), within="changed_at", is_group=True),
    Asked("events", within="timestamp"),
    Asked("segments", equal=("alone",)),
    Asked("prepared", equal=("is_open",)),
)
"""Every query that the package makes; one that is not here fails in its tests."""

_PATH = "__name__"

EXPIRING = ("prepared", "receipts", "transactions", "waits")
"""The collections whose documents expire: those that need a TTL policy where the engine has them."""


def asked_by(query: Query) -> Asked:
    """Return the shape of *query*."""
    return Asked(
        query.collection.rpartition("/")[2],
        tuple(sorted(one.name for one in query.equal)),
        None if query.within is None else query.within.name,
        query.is_group,
        query.is_descending,
        None if query.contains is None else query.contains.name,
    )


def is_asked(query: Query) -> bool:
    """Whether a query has a shape that is in the list, or is one that Firestore is not asked."""
    asked = asked_by(query)
    return asked in ASKED or asked.within == UPDATE_TIME


def sorted_fields(asked: Asked) -> list[tuple[str, Mode]]:
    """Return the fields that Firestore must have indexed by themselves, each with its mode.

    Empty where an index that somebody makes serves the query.
    """
    if index_of(asked) is not None:
        return []
    return _fields(asked)


def _fields(asked: Asked) -> list[tuple[str, Mode]]:
    fields = [(name, Mode.ASCENDING) for name in asked.equal]
    if asked.contains is not None:
        fields.append((asked.contains, Mode.CONTAINS))
    if asked.within is not None:
        fields.append((asked.within, Mode.DESCENDING if asked.is_descending else Mode.ASCENDING))
    elif asked.is_descending:
        fields.append((_PATH, Mode.DESCENDING))
    return fields


def index_of(asked: Asked) -> Index | None:
    """Return the index that Firestore needs; None where those that it makes by itself will do.

    By itself it indexes each field of a collection, in both orders, and the items of each list, and merges those of
    several equalities. A field of a collection group, a range beside another condition, and paths from their end need
    one that somebody makes.
    """
    is_by_path = asked.within is None and not asked.is_descending
    is_range_alone = asked.within is not None and not (asked.equal or asked.contains)
    if not asked.is_group and (is_by_path or is_range_alone):
        return None
    return Index(asked.collection, tuple(_fields(asked)), asked.is_group)


def needed() -> list[Index]:
    """Return the indexes that somebody must make in a Firestore database."""
    return [index for index in map(index_of, ASKED) if index is not None]
