"""What a state's marks say of what is due behind a change."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tai_state.layout import state_layout
from tai_state.rules.due.arming import due_marks
from tai_state.rules.records.occasional import Due
from tai_state.rules.records.record import Marks

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
DUE = Due(NOON, "fail", "orders", 3, None)
WHERE = ("id", state_layout("g", "s"))
MOVED = Marks(due_key="id:orders:0", due_moved_to=NOON + timedelta(hours=1), due_tries=3, sealed_through=2)


def test_with_what_was_due_all_of_it_is_forgotten():
    """The key, how its time was moved, and how often it was tried; nothing else."""
    assert due_marks(MOVED, DUE, None, WHERE, 1) == Marks(sealed_through=2)


def test_what_stays_due_stays_as_it_was_moved():
    """Under its key; one without a key is given one."""
    assert due_marks(MOVED, DUE, DUE, WHERE, 4) == MOVED
    assert due_marks(replace(MOVED, due_key=""), DUE, DUE, WHERE, 1) == MOVED


def test_what_becomes_due_begins_anew():
    """As if nothing had been due before."""
    later = replace(DUE, at=NOON + timedelta(hours=2))
    expected = Marks(due_key="id:orders:0", sealed_through=2)
    assert due_marks(MOVED, DUE, later, WHERE, 1) == expected
    assert due_marks(Marks(sealed_through=2), None, DUE, WHERE, 1) == expected
