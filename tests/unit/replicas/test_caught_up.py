"""How far a store has come with another one: what a mark says, and which moments have passed for certain."""

from datetime import UTC, datetime, timedelta

import pytest

from tai_state.documents import Document, DocumentPath, MustNotExist, UpdatedAt
from tai_state.layout import GovernorLayout
from tai_state.rules.replicas.caught_up import CaughtUp, Past, Sample, caught_up, mark_path, marks_of, past, read_mark

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PATH = mark_path(GovernorLayout("g"), "store/1")


def document(fields):
    """Return a mark's document with these fields."""
    return Document(PATH, fields, NOW, NOW)


def test_a_mark_comes_back_as_it_was_written():
    """With the states that were left."""
    mark = CaughtUp("store/1", NOW, frozenset({"a", "b%2F"}))
    put = mark.put(PATH, None)
    assert (put.precondition, put.fields["left"]) == (MustNotExist(), ["a", "b%2F"])
    assert read_mark(document(put.fields)) == mark
    assert mark.put(PATH, document({})).precondition == UpdatedAt(NOW)


@pytest.mark.parametrize(
    "wrong", [{"as_of": "today"}, {"left": [1]}, {"left": None}, {"store_id": 7}, {"format": 10_000}, {"format": None}]
)
def test_of_what_a_damaged_mark_says_nobody_knows(wrong):
    """And of one that a newer release wrote."""
    fields = CaughtUp("x", NOW).put(PATH, None).fields
    assert read_mark(document({**fields, **wrong})) is None
    assert read_mark(None) is None


def test_the_marks_of_a_governor_stand_together_and_apart_from_others():
    """Whatever the ids hold."""
    for governor in ("g", "g@x", "a/b", "g%40"):
        low, high = marks_of(GovernorLayout(governor))
        for other in ("g", "g@x", "a/b", "g%40"):
            path = mark_path(GovernorLayout(other), "some@store")
            assert (low <= path.id < high) is (governor == other)
    assert DocumentPath("replicas", "g@store%2F1") == PATH


def test_a_sync_that_left_many_states_leaves_no_mark():
    """It would say little, and grow."""
    assert caught_up("x", NOW, [str(number) for number in range(100)]) is not None
    assert caught_up("x", NOW, [str(number) for number in range(101)]) is None


@pytest.mark.parametrize(
    ("sample", "monotonic", "lag", "expected"),
    [
        # Heard at once, and asked again at once: a second ago is a second before what was said.
        (Sample(NOW, 10, 10), 10, 1, Past(NOW - timedelta(seconds=1), timedelta(seconds=1))),
        # It said so when it was asked, or when it was heard: the earlier one is reckoned with.
        (Sample(NOW, 10, 12), 12, 5, Past(NOW + timedelta(seconds=2.002 - 5), timedelta(seconds=5))),
        # It may have said so just now: nothing of 1 second ago has passed for certain, as of a clock 2 seconds old.
        (Sample(NOW, 10, 12), 12, 1, None),
        (Sample(NOW, 10, 12), 12, 2, None),
        (Sample(NOW, 10, 10), 71, 5, None),
        (None, 10, 5, None),
        # Parts of a second count.
        (Sample(NOW, 10, 10), 10.5, 1, Past(NOW + timedelta(seconds=0.5005 - 1), timedelta(seconds=1))),
        (Sample(NOW, 10, 10), 10.9, 0.1, Past(NOW + timedelta(seconds=0.9009 - 0.1), timedelta(seconds=0.1))),
        # No engine tells what was long ago.
        (Sample(NOW, 10, 10), 10, 7200, Past(NOW - timedelta(seconds=600), timedelta(seconds=600))),
    ],
)
def test_a_moment_has_passed_and_is_within_the_bound(sample, monotonic, lag, expected):
    """Or none is named."""
    assert past(sample, monotonic, timedelta(seconds=lag)) == expected
