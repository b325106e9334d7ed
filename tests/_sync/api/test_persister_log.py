# Generated from tests/_async/api/test_persister_log.py by .ci/generate_sync.py; do not edit.
"""Moves that were decided elsewhere: what an event keeps of them, and when they may say that they were made."""
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import BaseModel

from tai_state import (
    KEEP,
    LockManager,
    StateMachinePersister,
    FencedOutError,
    IdempotencyMismatchError,
    InvalidDataError,
)
from tai_state.layout import state_layout
from tests._sync.stores import contents, document_at, in_memory

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
FAR = datetime(2099, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def log(store, action="a", **options):
    """Log one move of the same state."""
    options = {"to_status": "b", "data": {}, **options}
    return StateMachinePersister(store).log_transition("g", "s", action, **options)


def store_time(store):
    """Return the store's clock."""
    return store.runtime.access.server_time(store.runtime.access.begin(None))


def test_a_time_in_the_future_is_refused(store):
    """It would drag all that follows there: at once, cold or warm, and nothing is written."""
    for _ in range(2):
        before = contents(store)
        with pytest.raises(InvalidDataError, match="store's clock") as caught:
            log(store, timestamp=FAR)
        assert caught.value.path == "timestamp"
        assert contents(store) == before
        log(store)


def test_a_time_may_be_as_late_as_the_stores_clock(store):
    """Later than any reply told before: the store is asked before a time is refused."""
    log(store)
    at = store_time(store)
    assert (log(store, timestamp=at)).event.timestamp == at


def test_a_time_a_little_ahead_of_the_stores_clock_is_refused(store):
    """The bound is that clock, not some tolerance behind it."""
    with pytest.raises(InvalidDataError, match="store's clock"):
        log(store, timestamp=store_time(store) + 60 * SECOND)


def test_another_stores_handle_knows_no_other_clock(place):
    """A handle that heard nothing yet is no way around."""
    log(place.store())
    with pytest.raises(InvalidDataError, match="store's clock"):
        log(place.store(), timestamp=FAR)


def test_a_time_of_the_past_costs_no_question(place):
    """What replies told is enough: the warm commit stays alone."""
    store, backend = place.counting()
    log(store, timestamp=LONG_AGO)
    backend.taken()
    log(store, timestamp=LONG_AGO + SECOND)
    assert backend.taken() == ["commit"]


@pytest.mark.parametrize("at", [LONG_AGO, FAR])
def test_when_it_occurred_is_free(store, at):
    """Before other events or in the future: the event keeps it, and its own time is now."""
    log(store, timestamp=LONG_AGO + SECOND)
    result = log(store, occurred_at=at)
    assert result.event.occurred_at == at
    assert LONG_AGO + SECOND < result.event.timestamp < FAR
    assert [event.occurred_at for event in store.get_events("g", "s")] == [None, at]


def test_no_replay_reads_when_it_occurred(store):
    """What is logged about 2099 was made now, and a replay until now has it."""
    log(store, occurred_at=FAR)
    log(store, occurred_at=LONG_AGO)
    now = store_time(store) + SECOND
    persister = StateMachinePersister(store)
    assert (persister.replay("g", "s", until_time=now)).version == 2
    assert (persister.validate_consistency("g")).is_consistent


def test_an_event_that_says_when_it_occurred_has_a_higher_format(store):
    """An older build misses the field in the hash: it must refuse the event, not call it damaged."""
    log(store, occurred_at=LONG_AGO)
    log(store)
    paths = state_layout("g", "s")
    found = [(document_at(store, path)).fields for path in (paths.event(1), paths.event(2), paths.state)]
    assert [fields["format"] for fields in found] == [3, 2, 2]
    assert ["occurred_at" in fields for fields in found] == [True, False, False]


@in_memory
@pytest.mark.parametrize("wrong", [datetime(2020, 1, 1), "2020-01-01", 5], ids=str)  # noqa: DTZ001 - refused
def test_when_it_occurred_needs_a_zone(place, wrong):
    """A naive one is refused, and nothing is sent."""
    store, backend = place.counting()
    with pytest.raises(InvalidDataError) as caught:
        log(store, occurred_at=wrong)
    assert caught.value.path == "occurred_at"
    assert backend.calls == []


class Payment(BaseModel):
    amount: int


@pytest.mark.parametrize("payload", [{"amount": 3}, Payment(amount=3)], ids=["dict", "model"])
def test_a_payload_goes_into_the_event(store, payload):
    """As with a transition."""
    assert (log(store, payload=payload)).event.payload == {"amount": 3}


def test_the_payload_belongs_to_the_request(store):
    """A key is of one payload; without one, it is what it was before there were payloads."""
    log(store, payload={"n": 1}, idempotency_key="k")
    assert (log(store, payload={"n": 1}, idempotency_key="k")).replayed
    for other in ({"n": 2}, None):
        with pytest.raises(IdempotencyMismatchError):
            log(store, payload=other, idempotency_key="k")


def test_the_last_error_is_set_kept_and_cleared(store):
    """As with a transition."""
    errors = [(log(store, error=error)).snapshot.last_error for error in ("broke", KEEP, None)]
    assert errors == ["broke", "broke", None]


def test_a_lock_guards_a_logged_move(store):
    """The token goes into the event, and a holder who was replaced is refused."""
    locks = LockManager(store)
    old = locks.acquire("x", owner="old", heartbeat=False)
    assert (log(store, lock=old)).event.fencing_token == old.fencing_token
    locks.break_lock("x", old.fencing_token, "it hangs")
    before = contents(store)
    with pytest.raises(FencedOutError):
        log(store, lock=old)
    assert contents(store) == before
