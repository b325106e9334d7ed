"""Which indexes the package's queries need, and the words of a query."""

from datetime import UTC, datetime

import pytest

from tai_state import InvalidDataError
from tai_state.backends.firestore.errors import ErrorMap
from tai_state.documents import FieldEquals, FieldRange, Query
from tai_state.indexes import ASKED, Asked, Index, Mode, asked_by, index_of, needed


def test_few_queries_of_the_package_need_an_index_that_somebody_makes():
    """Equalities in one collection are served by what Firestore indexes by itself; groups and ends are not."""
    by_itself = [one for one in ASKED if not one.is_descending and not one.is_group]
    assert [index_of(one) for one in by_itself] == [None] * len(by_itself)
    assert needed() == [index_of(one) for one in ASKED if one not in by_itself]
    assert None not in needed()


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        (Asked("states", equal=("deleted", "status")), None),
        (Asked("events", within="timestamp"), None),
        (Asked("events", within="timestamp", is_descending=True), None),
        (
            Asked("events", equal=("action",), within="timestamp", is_descending=True),
            Index("events", (("action", Mode.ASCENDING), ("timestamp", Mode.DESCENDING))),
        ),
        (
            Asked("states", within="due_at", is_group=True),
            Index("states", (("due_at", Mode.ASCENDING),), is_group=True),
        ),
        (
            Asked("states", equal=("status",), is_group=True),
            Index("states", (("status", Mode.ASCENDING),), is_group=True),
        ),
        (Asked("states", contains="labels"), None),
        (
            Asked("states", contains="labels", is_group=True),
            Index("states", (("labels", Mode.CONTAINS),), is_group=True),
        ),
        (
            Asked("states", contains="labels", is_group=True, is_descending=True),
            Index("states", (("labels", Mode.CONTAINS), ("__name__", Mode.DESCENDING)), is_group=True),
        ),
        (
            Asked("states", equal=("status",), is_descending=True),
            Index("states", (("status", Mode.ASCENDING), ("__name__", Mode.DESCENDING))),
        ),
    ],
    ids=str,
)
def test_a_range_beside_an_equality_and_a_group_need_an_index(asked, index):
    """Firestore indexes the fields of a collection by itself, one by one; all else must be made."""
    assert index_of(asked) == index


def test_a_query_has_the_shape_of_its_fields():
    """Of a query its names count, in one order, and not its values."""
    equal = (FieldEquals("status", "on"), FieldEquals("deleted", value=False))
    query = Query(collection="governors/g/states", equal=equal, within=FieldRange("at", 1))
    assert asked_by(query) == Asked("states", ("deleted", "status"), "at")


def test_a_missing_index_is_named():
    """What Firestore refuses for want of an index tells which one to make."""
    index = Index("states", (("status", Mode.ASCENDING), ("due_at", Mode.DESCENDING)), is_group=True)
    error = ErrorMap().querying(index).by_code("FAILED_PRECONDITION", "The query requires an index.")
    assert "status ascending, due_at descending (of the collection group 'states')" in str(error)


@pytest.mark.parametrize(
    ("at_least", "below"),
    [
        (None, None),
        (1, "b"),
        (True, None),
        (None, 1.5j),
        (datetime(2026, 1, 1), None),  # noqa: DTZ001 - what is refused
        ("a", datetime(2026, 1, 1, tzinfo=UTC)),
    ],
    ids=str,
)
def test_a_range_of_two_types_or_none_is_refused(at_least, below):
    """A range has one or two bounds, of one type that engines sort."""
    with pytest.raises(InvalidDataError, match="field"):
        FieldRange("field", at_least, below)


@pytest.mark.parametrize("name", ["a.b", "", "é", "it's"])
def test_a_range_is_of_a_field_with_a_plain_name(name):
    """The engines sort by it, so they must be able to name it."""
    with pytest.raises(InvalidDataError, match="plain word"):
        FieldRange(name, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"collection": "g/states", "is_group": True},
        {"collection": "s", "is_descending": True},
        {"collection": "states", "below": "g"},
        {"collection": "states", "is_group": True, "below": "g", "within": FieldRange("n", 1)},
    ],
    ids=str,
)
def test_a_query_that_no_engine_offers_is_refused(wrong):
    """A group is no path; paths alone are not sorted from their end; only their order is bounded by a path."""
    with pytest.raises(InvalidDataError):
        Query(**wrong)
