"""The laws of clocks: for all of them, not for those that somebody thought of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tai_state.causality import LamportClock, Ordering, VectorClock, node_key, store_of

CLOCKS = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 3)).map(VectorClock)
MIRRORED = {"before": "after", "after": "before", "equal": "equal", "concurrent": "concurrent"}


@given(CLOCKS, CLOCKS, CLOCKS)
def test_clocks_are_partially_ordered(one, other, third):
    """Nothing happened before itself; of two that are ordered one is first; what is before what is before is before."""
    assert one.compare(one) == "equal"
    assert not one.happened_before(one)
    assert not (one.happened_before(other) and other.happened_before(one))
    if one.happened_before(other) and other.happened_before(third):
        assert one.happened_before(third)


@given(CLOCKS, CLOCKS)
def test_a_comparison_says_one_thing_from_both_sides(one, other):
    """It is one of four, and the reverse is its mirror."""
    order = one.compare(other)
    assert other.compare(one) == MIRRORED[order]
    assert (order is Ordering.BEFORE) is one.happened_before(other)
    assert (order is Ordering.EQUAL) is (one == other)
    assert (order is Ordering.CONCURRENT) is one.concurrent_with(other) is other.concurrent_with(one)


@given(CLOCKS, CLOCKS, CLOCKS)
def test_a_merge_is_the_least_clock_that_knows_both(one, other, third):
    """It is above both, and below all that are."""
    merged = one.merge(other)
    assert {one.compare(merged), other.compare(merged)} <= {"before", "equal"}
    if {one.compare(third), other.compare(third)} <= {"before", "equal"}:
        assert merged.compare(third) in {"before", "equal"}


@given(CLOCKS, CLOCKS, CLOCKS)
def test_merges_may_come_in_any_order_and_twice(one, other, third):
    """Commutative, associative and idempotent, and so is what two have in common."""
    assert one.merge(other) == other.merge(one)
    assert one.merge(other).merge(third) == one.merge(other.merge(third))
    assert one.merge(one) == one
    assert one.meet(other) == other.meet(one)
    assert one.meet(other).compare(one) in {"before", "equal"}
    assert one.merge(one.meet(other)) == one


@given(CLOCKS, st.sampled_from("abcd"))
def test_a_change_happens_after_what_its_writer_knew(clock, node):
    """By one, and of that writer alone."""
    after = clock.increment(node)
    assert clock.happened_before(after)
    assert after.get(node) == clock.get(node) + 1
    assert VectorClock({**after.root, node: clock.get(node)}) == clock


@given(CLOCKS)
def test_changes_of_two_writers_who_do_not_know_of_each_other_are_concurrent(clock):
    """Wherever they began."""
    assert clock.increment("a").compare(clock.increment("b")) == "concurrent"


def test_a_writer_is_a_store_or_a_node_of_one():
    """A name of a node alone would be one writer in two stores."""
    assert (node_key("s1"), node_key("s1", "edge"), node_key("s2", "edge")) == ("s1", "s1/edge", "s2/edge")
    assert (store_of("s1"), store_of("s1/edge")) == ("s1", "s1")


@given(st.integers(0, 100), st.integers(0, 100))
def test_a_logical_time_is_behind_what_was_seen(own, other):
    """Its own last event, and the one that it hears of: the greater of both, and one more."""
    clock = LamportClock(own)
    assert (clock.tick(), clock.observe(other)) == (own + 1, max(own, other) + 1)
    assert clock.observe(other).observe(other) > clock.observe(other)
    assert (clock.value, type(clock.observe(other)) is LamportClock) == (own, True)


@pytest.mark.parametrize("time", [-1, 1.5, True, "1", None])
def test_what_is_no_logical_time_is_refused(time):
    """As one's own and as another's."""
    with pytest.raises(ValueError, match="logical time"):
        LamportClock(time)
    with pytest.raises(ValueError, match="logical time"):
        LamportClock().observe(time)
