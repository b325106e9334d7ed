"""Differences of nested values: what they say, and that they lead from the one to the other."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tai_state import InvalidDataError
from tai_state.values import Difference, applied, differences, to_json

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.floats(-2, 2, width=16),
    st.text(string.ascii_lowercase + '. "é', max_size=3),
    st.binary(max_size=2),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text("ab.é", max_size=2), inner, max_size=4),
    max_leaves=25,
)


def told(old, new):
    return [(one.kind, one.place, one.old, one.new) for one in differences(old, new)]


@given(VALUES, VALUES)
def test_the_differences_lead_from_the_one_to_the_other(old, new):
    """Applied to the old value, they make the new one, in every type."""
    before = to_json(old)
    assert to_json(applied(old, differences(old, new))) == to_json(new)
    assert to_json(old) == before


@given(VALUES)
def test_a_value_does_not_differ_from_itself(value):
    """Equal values have no differences."""
    assert differences(value, value) == []


@given(st.lists(st.integers(0, 3), max_size=12), st.lists(st.integers(0, 3), max_size=12))
def test_lists_with_much_in_common_lead_to_each_other(old, new):
    """Repeated items are no trouble."""
    assert applied(old, differences(old, new)) == new


def test_maps_are_compared_key_by_key():
    """What was added, removed and changed, by its path."""
    old = {"order": {"price": 3, "gone": True, "same": [1]}}
    new = {"order": {"price": 4, "note": "é", "same": [1]}}
    assert told(old, new) == [
        ("removed", "order.gone", True, None),
        ("added", "order.note", None, "é"),
        ("changed", "order.price", 3, 4),
    ]


def test_an_item_put_in_front_changes_no_other():
    """Lists are compared by what they have in common."""
    assert told(["b", "c", "d"], ["a", "b", "d"]) == [("removed", "[1]", "c", None), ("added", "[0]", None, "a")]


def test_what_is_frequent_is_no_noise():
    """Of long lists of few values, too, only what was put in is told."""
    old = ["x"] * 400
    new = [*old[:100], "y", *old[100:300], "y", *old[300:]]
    assert told(old, new) == [("added", "[100]", None, "y"), ("added", "[301]", None, "y")]


def test_an_item_that_changed_inside_is_looked_into():
    """With the index of the old list, also where others go or come."""
    old = {"items": [{"id": 1}, {"id": 2, "n": 1}, {"id": 3}]}
    new = {"items": [{"id": 1}, {"id": 2, "n": 2}, {"id": 3}, {"id": 4}]}
    assert told(old, new) == [("changed", "items[1].n", 1, 2), ("added", "items[3]", None, {"id": 4})]


@pytest.mark.parametrize(("old", "new"), [(1, True), (1, 1.0), (0, False), (0.0, -0.0), ("1", 1), (None, []), ({}, [])])
def test_values_of_two_types_differ(old, new):
    """As a store tells them apart."""
    assert told({"x": old}, {"x": new}) == [("changed", "x", old, new)]


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ((), ""),
        (("a", 0, "b"), "a[0].b"),
        (("a.b", "c d"), '["a.b"]["c d"]'),
        ((0, 1), "[0][1]"),
        (("", "é"), '[""]["é"]'),
    ],
)
def test_a_path_is_written_as_people_do(path, place):
    """Keys that are no plain words stand in quotes."""
    assert Difference("changed", path).place == place


def test_very_long_lists_are_compared_place_by_place():
    """In a time that does not grow with the square of their length."""
    old, new = [[n] for n in range(2_000)], [[n + 1] for n in range(2_000)]
    found = differences(old, new)
    assert len(found) == 2_000
    assert applied(old, found) == new


def test_what_is_common_at_both_ends_of_long_lists_is_not_compared():
    """One item put in the middle is one difference."""
    old = list(range(9_000))
    assert told(old, [*old[:9], "x", *old[9:]]) == [("added", "[9]", None, "x")]


@pytest.mark.parametrize(
    "fact",
    [
        Difference("removed", ("b",)),
        Difference("changed", ("b",), new=1),
        Difference("changed", ("a", "b"), new=1),
        Difference("added", ("c", 9), new=1),
        Difference("removed", ("c", 2)),
        Difference("added", ("a", 0, "x"), new=1),
    ],
    ids=str,
)
def test_a_fact_about_another_value_is_refused(fact):
    """It is named by its path."""
    with pytest.raises(InvalidDataError, match="no such value"):
        applied({"a": 1, "c": [1]}, [fact])
