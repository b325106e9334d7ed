"""One attempt of a transaction, by itself: as of which moment it reads, and what it looks at again."""

from datetime import timedelta

import pytest

from tai_state import KEEP, AsyncBackendStore, Capability, StaleReadError
from tai_state._async.transactions.attempt import AsyncAttempt
from tai_state.clock import Deadline
from tai_state.layout import state_layout
from tai_state.rules.commits.kinds import transition_change
from tai_state.rules.commits.scheduled import schedule_change
from tai_state.rules.commits.starting import start_change
from tai_state.testing.clock import ManualClock
from tests._async.accounts import AsyncTearingBackend
from tests._async.machines import COUNTER
from tests._async.stores import TIMEOUT, AsyncCountingBackend, AsyncWrappedBackend, in_memory
from tests.unit.commits.made import call

A, B, C = (state_layout("g", name) for name in "abc")


@pytest.fixture
def clock():
    """One that has run for a while."""
    return ManualClock(monotonic=100.0)


def attempt_in(store, **options):
    """Return an attempt whose body may take long."""
    deadline = Deadline(store.runtime.access.clock, 9_000.0)
    return AsyncAttempt(store.runtime, "transaction-1", None, deadline, **options)


async def async_started(store, *states):
    """Start a counter for each state."""
    for paths in states:
        await async_write(store, start_change(call(paths), COUNTER, {"n": 1}))


async def async_write(store, change):
    """Make a change as a persister of this store does."""
    runtime = store.runtime
    await runtime.writer.write(change, runtime.settings, Deadline(runtime.access.clock, TIMEOUT))


def added(paths):
    """Return the change that adds one."""
    return transition_change(call(paths), COUNTER, "add", None, KEEP)


@in_memory
async def test_what_this_store_made_since_is_known_without_a_request(place, clock):
    """A commit that could only be refused is not sent; one on what still stands is."""
    store, backend = place.counting(clock=clock)
    await async_started(store, A, B)
    attempt = attempt_in(store)
    await attempt.write(added(A), store.runtime.settings)
    await attempt.heads([B])
    await async_write(store, added(B))
    backend.taken()
    attempt.check_heads()
    await async_write(store, added(A))
    backend.taken()
    with pytest.raises(StaleReadError, match="state 'a' of governor 'g' changed"):
        attempt.check_heads()
    assert backend.taken() == []
    assert attempt.conflict == A.state


@in_memory
async def test_what_this_store_knows_nothing_newer_of_is_left_to_the_commit(place, clock):
    """Another writer's change is told by the engine alone."""
    store = place.store(clock=clock)
    await async_started(store, A)
    attempt = attempt_in(store)
    await attempt.write(added(A), store.runtime.settings)
    attempt.check_heads()
    store.runtime.writer.heads.drop(A.state)
    await async_write(place.store(), added(A))
    attempt.check_heads()


@in_memory
async def test_a_state_that_this_store_created_since_is_known(place, clock):
    """Where the attempt found none."""
    store = place.store(clock=clock)
    attempt = attempt_in(store)
    await attempt.write(start_change(call(A), COUNTER, {"n": 1}), store.runtime.settings)
    await async_started(store, A)
    with pytest.raises(StaleReadError):
        attempt.check_heads()


@in_memory
@pytest.mark.parametrize(("seconds", "is_past"), [(0, True), (600, True), (600.001, False)])
async def test_the_past_is_read_for_ten_minutes(place, clock, seconds, is_past):
    """Engines keep it for an hour or so; behind that the present is read."""
    await async_started(place.store(), A)
    backend = AsyncWrappedBackend(place.store().runtime.access.backend)
    backend.capabilities |= {Capability.READ_AT}
    attempt = attempt_in(AsyncBackendStore(backend, clock=clock))
    assert attempt._moment() is None
    await attempt.heads([A])
    clock.advance(seconds)
    assert (attempt._moment() == attempt._read_time) is is_past
    assert (attempt._moment() is None) is not is_past


@in_memory
@pytest.mark.parametrize(
    ("read_only", "batches", "looks"),
    [
        (False, [[A]], 0),
        (False, [[A, B]], 1),
        (False, [[A], [B]], 1),
        (True, [[A]], 0),
        (True, [[A, B]], 0),
        (True, [[A], [B]], 0),
    ],
)
async def test_what_was_read_is_looked_at_again_where_it_may_be_torn(place, clock, read_only, batches, looks):
    """One document cannot be; a reader who commits nothing read all of it at once."""
    await async_started(place.store(), A, B)
    backend = AsyncCountingBackend(AsyncTearingBackend(place.store().runtime.access.backend))
    store = AsyncBackendStore(backend, clock=clock)
    attempt = attempt_in(store, read_only=read_only)
    for wanted in batches:
        await attempt.heads(wanted)
    backend.taken()
    await attempt.confirm()
    assert backend.taken() == ["get_many"] * looks


@in_memory
@pytest.mark.parametrize("seconds", [0, 5])
async def test_a_delay_counts_from_what_the_store_s_clock_has_reached_by_then(place, clock, seconds):
    """What its last reply told, and the time since: a body may take long."""
    store = place.store(clock=clock)
    await async_started(store, A)
    attempt = attempt_in(store)
    await attempt.heads([A])
    told = store.runtime.access.store_time.latest
    clock.advance(seconds)
    change = schedule_change(call(A), COUNTER, "add", at=None, after=timedelta(hours=1))
    applied = await attempt.write(change, store.runtime.settings)
    assert applied.record.due_at == told + timedelta(hours=1, seconds=seconds)
