"""What documents say of times to come, where a store's clock was set back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tai_state.rules.records.occasional import Due
from tai_state.rules.recovery.set_back import due_again, looks_again
from tests.unit.commits.made import state_at

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
MINUTE, YEARS = timedelta(minutes=1), timedelta(days=25_000)


def due(at, after):
    """Return a state that is due."""
    return replace(state_at(1), due=Due(at, "go", "orders", 1, after))


def test_what_had_a_delay_is_due_so_long_from_now():
    """Whatever the clock said when it was set."""
    again = due_again(due(NOW + YEARS, MINUTE), NOW)
    assert again is not None
    assert again.due_at == NOW + MINUTE
    assert again.due == due(NOW + YEARS, MINUTE).due


@pytest.mark.parametrize(
    "record",
    [
        state_at(1),
        due(NOW + YEARS, None),
        due(NOW + MINUTE, MINUTE),
        due(NOW - YEARS, MINUTE),
    ],
    ids=["not due", "of a time of its own", "no later", "over"],
)
def test_what_is_due_no_later_stays(record):
    """And what was set for a time of its own."""
    assert due_again(record, NOW) is None


def test_a_subscription_looks_again_at_what_was_brought_back():
    """Its times to come are the floor; others, and what is none, stay."""
    fields = {"since": NOW - MINUTE, "reached": NOW + YEARS, "swept_at": None, "retry_at": NOW + MINUTE, "name": "x"}
    floor = NOW - YEARS
    assert looks_again(fields, floor, NOW) == {**fields, "reached": floor, "retry_at": floor}
    assert looks_again({**fields, "reached": NOW, "retry_at": None}, floor, NOW) is None
