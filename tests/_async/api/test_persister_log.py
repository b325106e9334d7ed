"""Moves that were decided elsewhere: what an event keeps of them, and when they may say that they were made."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import BaseModel

from tai_state import (
    KEEP,
    AsyncLockManager,
    AsyncStateMachinePersister,
    FencedOutError,
    IdempotencyMismatchError,
    InvalidDataError,
)
from tai_state.layout import state_layout
from tests._async.stores import async_contents, async_document_at, in_memory

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
FAR = datetime(2099, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


async def async_log(store, action="a", **options):
    """Log one move of the same state."""
    options = {"to_status": "b", "data": {}, **options}
    return await AsyncStateMachinePersister(store).log_transition("g", "s", action, **options)


async def async_store_time(store):
    """Return the store's clock."""
    return await store.runtime.access.server_time(store.runtime.access.begin(None))


async def test_a_time_in_the_future_is_refused(store):
    """It would drag all that follows there: at once, cold or warm, and nothing is written."""
    for _ in range(2):
        before = await async_contents(store)
        with pytest.raises(InvalidDataError, match="store's clock") as caught:
            await async_log(store, timestamp=FAR)
        assert caught.value.path == "timestamp"
        assert await async_contents(store) == before
        await async_log(store)


async def test_a_time_may_be_as_late_as_the_stores_clock(store):
    """Later than any reply told before: the store is asked before a time is refused."""
    await async_log(store)
    at = await async_store_time(store)
    assert (await async_log(store, timestamp=at)).event.timestamp == at


async def test_a_time_a_little_ahead_of_the_stores_clock_is_refused(store):
    """The bound is that clock, not some tolerance behind it."""
    with pytest.raises(InvalidDataError, match="store's clock"):
        await async_log(store, timestamp=await async_store_time(store) + 60 * SECOND)


async def test_another_stores_handle_knows_no_other_clock(place):
    """A handle that heard nothing yet is no way around."""
    await async_log(place.store())
    with pytest.raises(InvalidDataError, match="store's clock"):
        await async_log(place.store(), timestamp=FAR)


async def test_a_time_of_the_past_costs_no_question(place):
    """What replies told is enough: the warm commit stays alone."""
    store, backend = place.counting()
    await async_log(store, timestamp=LONG_AGO)
    backend.taken()
    await async_log(store, timestamp=LONG_AGO + SECOND)
    assert backend.taken() == ["commit"]


@pytest.mark.parametrize("at", [LONG_AGO, FAR])
async def test_when_it_occurred_is_free(store, at):
    """Before other events or in the future: the event keeps it, and its own time is now."""
    await async_log(store, timestamp=LONG_AGO + SECOND)
    result = await async_log(store, occurred_at=at)
    assert result.event.occurred_at == at
    assert LONG_AGO + SECOND < result.event.timestamp < FAR
    assert [event.occurred_at async for event in store.get_events("g", "s")] == [None, at]


async def test_no_replay_reads_when_it_occurred(store):
    """What is logged about 2099 was made now, and a replay until now has it."""
    await async_log(store, occurred_at=FAR)
    await async_log(store, occurred_at=LONG_AGO)
    now = await async_store_time(store) + SECOND
    persister = AsyncStateMachinePersister(store)
    assert (await persister.replay("g", "s", until_time=now)).version == 2
    assert (await persister.validate_consistency("g")).is_consistent


async def test_an_event_that_says_when_it_occurred_has_a_higher_format(store):
    """An older build misses the field in the hash: it must refuse the event, not call it damaged."""
    await async_log(store, occurred_at=LONG_AGO)
    await async_log(store)
    paths = state_layout("g", "s")
    found = [(await async_document_at(store, path)).fields for path in (paths.event(1), paths.event(2), paths.state)]
    assert [fields["format"] for fields in found] == [3, 2, 2]
    assert ["occurred_at" in fields for fields in found] == [True, False, False]


@in_memory
@pytest.mark.parametrize("wrong", [datetime(2020, 1, 1), "2020-01-01", 5], ids=str)  # noqa: DTZ001 - refused
async def test_when_it_occurred_needs_a_zone(place, wrong):
    """A naive one is refused, and nothing is sent."""
    store, backend = place.counting()
    with pytest.raises(InvalidDataError) as caught:
        await async_log(store, occurred_at=wrong)
    assert caught.value.path == "occurred_at"
    assert backend.calls == []


class Payment(BaseModel):
    amount: int


@pytest.mark.parametrize("payload", [{"amount": 3}, Payment(amount=3)], ids=["dict", "model"])
async def test_a_payload_goes_into_the_event(store, payload):
    """As with a transition."""
    assert (await async_log(store, payload=payload)).event.payload == {"amount": 3}


async def test_the_payload_belongs_to_the_request(store):
    """A key is of one payload; without one, it is what it was before there were payloads."""
    await async_log(store, payload={"n": 1}, idempotency_key="k")
    assert (await async_log(store, payload={"n": 1}, idempotency_key="k")).replayed
    for other in ({"n": 2}, None):
        with pytest.raises(IdempotencyMismatchError):
            await async_log(store, payload=other, idempotency_key="k")


async def test_the_last_error_is_set_kept_and_cleared(store):
    """As with a transition."""
    errors = [(await async_log(store, error=error)).snapshot.last_error for error in ("broke", KEEP, None)]
    assert errors == ["broke", "broke", None]


async def test_a_lock_guards_a_logged_move(store):
    """The token goes into the event, and a holder who was replaced is refused."""
    locks = AsyncLockManager(store)
    old = await locks.acquire("x", owner="old", heartbeat=False)
    assert (await async_log(store, lock=old)).event.fencing_token == old.fencing_token
    await locks.break_lock("x", old.fencing_token, "it hangs")
    before = await async_contents(store)
    with pytest.raises(FencedOutError):
        await async_log(store, lock=old)
    assert await async_contents(store) == before
