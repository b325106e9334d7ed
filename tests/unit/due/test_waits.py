"""How long what failed waits, and when the time of what is due has come: each at its bound."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tai_state.documents import Document
from tai_state.layout import state_layout
from tai_state.retry import RetryPolicy
from tai_state.rules.due.looking import has_come, has_lease_ended
from tai_state.rules.due.moved import has_moved, is_untouched, moved
from tai_state.rules.due.waits import wait_before
from tai_state.rules.records.occasional import Due
from tests.unit.commits.made import state_at

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
MINUTE, TICK = timedelta(minutes=1), timedelta(microseconds=1)


def due(at=NOON, after=None):
    """Return a state that is due."""
    return replace(state_at(1), due=Due(at, "go", "orders", 1, after))


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_a_wait_is_a_part_of_twice_as_much_with_each_attempt(attempts, share):
    """Up to the most that the policy says."""
    wait = wait_before(RetryPolicy(wait_initial=2, wait_max=60), attempts, share)
    longest = timedelta(seconds=min(60, 2 * 2 ** (attempts - 1)))
    assert timedelta(0) <= wait <= longest
    assert wait_before(RetryPolicy(wait_initial=2, wait_max=60), attempts, 1) == longest
    assert wait_before(RetryPolicy(wait_initial=2, wait_max=60), attempts, 0.25) == longest / 4


@pytest.mark.parametrize(("attempts", "seconds"), [(0, 2), (1, 2), (2, 4), (3, 8), (5, 32), (6, 60), (10**6, 60)])
def test_the_longest_wait_doubles_up_to_the_most(attempts, seconds):
    """However many attempts there were."""
    assert wait_before(RetryPolicy(wait_initial=2, wait_max=60), attempts, 1) == timedelta(seconds=seconds)


@pytest.mark.parametrize(("told", "has"), [(NOON - TICK, False), (NOON, True), (NOON + TICK, True)])
def test_a_time_has_come_at_that_very_moment(told, has):
    """By what the store's clock had reached."""
    assert has_come(due(), NOON - MINUTE, told) is has


@pytest.mark.parametrize(("told", "has"), [(NOON + MINUTE - TICK, False), (NOON + MINUTE, True)])
def test_a_delay_counts_from_the_commit(told, has):
    """Where that landed with a time that was over."""
    assert has_come(due(at=NOON, after=MINUTE), NOON, told) is has


@pytest.mark.parametrize(
    ("at", "updated", "told", "has"),
    [
        (NOON, NOON - MINUTE, NOON, False),
        (NOON, NOON - MINUTE, NOON + TICK, True),
        (NOON - MINUTE, NOON - MINUTE, NOON, False),
        (NOON - MINUTE, NOON - MINUTE, NOON + TICK, True),
        (NOON, NOON - 2 * MINUTE, NOON, False),
        (NOON - MINUTE, NOON, NOON + TICK, False),
    ],
)
def test_a_lease_counts_at_its_very_end(at, updated, told, has):
    """By its time, and by the last heartbeat, whichever is later."""
    assert has_lease_ended(due(at, MINUTE), updated, told) is has


def test_what_is_due_is_moved_by_its_mark():
    """Which another mark, or another due time, is not."""
    record = due()
    later = moved(record, NOON + MINUTE, tries=2)
    assert (later.due_at, later.due, later.marks.due_tries) == (NOON + MINUTE, record.due, 2)
    assert moved(later, NOON).marks.due_tries == 0
    assert has_moved(later, moved(record, NOON + MINUTE, tries=2))
    others = [None, record, moved(record, NOON, tries=2), moved(record, NOON + MINUTE), due(at=NOON - TICK)]
    assert not any(has_moved(later, other) for other in others)


@pytest.mark.parametrize(("moment", "is_so"), [(NOON - TICK, False), (NOON, True), (NOON + TICK, False)])
def test_a_document_is_untouched_where_it_has_its_time(moment, is_so):
    """Neither an earlier one, as from a copy, nor a later one."""
    found = Document(state_layout("g", "s").state, {}, NOON, moment)
    assert is_untouched(found, NOON) is is_so
    assert not is_untouched(None, NOON)
