"""Filters of the values of keys: what each takes."""

from datetime import UTC, datetime

import pytest

from tai_state.errors import InvalidDataError
from tai_state.rules.keys.filters import FILTERS, filter_of

NOON, LATER = datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
VALUES = [None, True, 1, 1.0, 2, "a", "ab", b"ab", NOON, [1, "a"], {"a": 1}, []]


def taken(**filters):
    """Return those of the values that are taken."""
    takes = filter_of(filters)
    return [value for value in VALUES if takes(value)]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, VALUES),
        ({"eq": 1}, [1, 1.0]),
        ({"eq": {"a": 1}}, [{"a": 1}]),
        ({"ne": None}, VALUES[1:]),
        ({"lt": 2}, [1, 1.0]),
        ({"le": "a"}, ["a"]),
        ({"gt": "a"}, ["ab"]),
        ({"ge": 1, "lt": 2}, [1, 1.0]),
        ({"lt": LATER}, [NOON]),
        ({"contains": "a"}, ["a", "ab", [1, "a"], {"a": 1}]),
        ({"contains": 1}, [[1, "a"]]),
        ({"starts_with": "a"}, ["a", "ab"]),
        ({"ends_with": b"b"}, [b"ab"]),
        ({"is_none": True}, [None]),
        ({"is_none": False}, VALUES[1:]),
    ],
    ids=str,
)
def test_what_each_filter_takes(filters, expected):
    """What has no order with what is given is neither more nor less; True is no number."""
    assert [repr(one) for one in taken(**filters)] == [repr(one) for one in expected]


def test_a_path_leads_into_values():
    """Where it leads nowhere, nothing is there."""
    takes = filter_of({"ge": 18}, "person.age")
    assert takes({"person": {"age": 20}})
    assert not takes({"person": {"age": 3}})
    assert not takes({"person": 20})
    assert not takes(20)
    assert filter_of({"is_none": True}, ["a.b"])({"a": {"b": 1}})


def test_what_is_no_filter_is_refused():
    """With those that there are."""
    with pytest.raises(InvalidDataError, match="starts_with"):
        filter_of({"like": "a"})
    assert len(FILTERS) == 10
