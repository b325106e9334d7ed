# Generated from tests/_async/due/test_moving.py by .ci/generate_sync.py; do not edit.
"""A due time that is moved without a change: one commit, no event, and no version."""
from datetime import timedelta

import pytest

from tai_state import StateMachinePersister, CorruptLogError, OutcomeUnknownError, RetryPolicy, StateNotFoundError
from tai_state._sync.due.moving import move_due
from tai_state.clock import Deadline, SystemClock
from tai_state.documents import Delete
from tai_state.rules.due.moved import moved
from tests._sync.due.timed import PATHS, SERVER
from tests._sync.stores import TIMEOUT, document_at, plant, in_memory

LATER = timedelta(hours=1)


def put_off(record, now):
    """Move what is due by an hour from now on."""
    return None if record.due is None else moved(record, now + LATER)


def put(store, decide=put_off, **options):
    """Move what is due of the state."""
    return move_due(store.runtime, PATHS, Deadline(SystemClock(), TIMEOUT), decide, **options)


@pytest.fixture
def server(store):
    persister = StateMachinePersister(store, SERVER)
    persister.start("g", "s", {"n": 0})
    return persister


def test_a_time_is_moved_by_a_mark(server):
    """The document has the time in force, and keeps that of its event; the next move within the status, too."""
    before = (server.load_state("g", "s")).snapshot
    record = put(server.store)
    assert record is not None
    fields = (document_at(server.store, PATHS.state)).fields
    assert fields["due_event_at"] == before.due_at
    assert fields["due_at"] > before.due_at + timedelta(minutes=50)
    after = (server.load_state("g", "s")).snapshot
    assert (after.version, after.due_at) == (1, fields["due_at"])
    assert [event.due_at for event in server.history("g", "s")] == [before.due_at]
    assert (server.validate_consistency("g")).is_consistent
    server.store.save_state("g", "s", {"n": 5})
    assert (server.load_state("g", "s")).snapshot.due_at == fields["due_at"]
    server.transition("g", "s", "run")
    fields = (document_at(server.store, PATHS.state)).fields
    assert "due_event_at" not in fields


def test_who_moves_it_next_decides_on_it(server):
    """The head that the store remembers is the one with the mark."""
    put(server.store)
    server.transition("g", "s", "run")
    assert (server.load_state("g", "s")).snapshot.version == 2


def test_nothing_is_written_where_nothing_is_due(server):
    """The state moved on meanwhile."""
    server.transition("g", "s", "fail")
    before = document_at(server.store, PATHS.state)
    assert put(server.store) is None
    assert document_at(server.store, PATHS.state) == before


@in_memory
def test_a_state_that_is_not_there_or_damaged_is_told(server):
    """And not written over."""
    plant(server.store, PATHS.state, data=5)
    with pytest.raises(CorruptLogError):
        put(server.store)
    server.store.runtime.access.backend.commit([Delete(PATHS.state)], timeout=TIMEOUT)
    with pytest.raises(StateNotFoundError):
        put(server.store)


@pytest.mark.parametrize("fault", ["reply lost", "request lost"])
def test_a_lost_reply_is_settled(place, server, fault):
    """By the mark itself, which is set once."""
    store, backend = place.faulty(fault)
    record = put(store)
    assert record is not None
    fields = (document_at(store, PATHS.state)).fields
    assert fields["due_at"] == record.due_at
    assert all(writes == backend.sent[0] for writes in backend.sent)


def test_somebody_who_was_faster_makes_it_decide_anew(place, server):
    """On the state as it is then."""
    store, backend = place.faulty("request lost")

    def between():
        server.transition("g", "s", "run")

    backend.between = between
    record = put(store)
    assert record is not None
    assert record.due is not None
    assert (record.version, record.due.action) == (2, "stop")


@in_memory
def test_an_outcome_that_nobody_can_tell_is_told(place, server):
    """The read that would tell fails, too."""
    store, backend = place.faulty("reply lost", retry=RetryPolicy(attempts=1))
    backend.unread = 1_000_000
    with pytest.raises(OutcomeUnknownError):
        put(store)
