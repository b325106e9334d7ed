# Generated from tests/_async/transactions/test_attempts_alone.py by .ci/generate_sync.py; do not edit.
"""One attempt of a transaction, by itself: as of which moment it reads, and what it looks at again."""
from datetime import timedelta

import pytest

from tai_state import KEEP, BackendStore, Capability, StaleReadError
from tai_state._sync.transactions.attempt import Attempt
from tai_state.clock import Deadline
from tai_state.layout import state_layout
from tai_state.rules.commits.kinds import transition_change
from tai_state.rules.commits.scheduled import schedule_change
from tai_state.rules.commits.starting import start_change
from tai_state.testing.clock import ManualClock
from tests._sync.accounts import TearingBackend
from tests._sync.machines import COUNTER
from tests._sync.stores import TIMEOUT, CountingBackend, WrappedBackend, in_memory
from tests.unit.commits.made import call

A, B, C = (state_layout("g", name) for name in "abc")


@pytest.fixture
def clock():
    """One that has run for a while."""
    return ManualClock(monotonic=100.0)


def attempt_in(store, **options):
    """Return an attempt whose body may take long."""
    deadline = Deadline(store.runtime.access.clock, 9_000.0)
    return Attempt(store.runtime, "transaction-1", None, deadline, **options)


def started(store, *states):
    """Start a counter for each state."""
    for paths in states:
        write(store, start_change(call(paths), COUNTER, {"n": 1}))


def write(store, change):
    """Make a change as a persister of this store does."""
    runtime = store.runtime
    runtime.writer.write(change, runtime.settings, Deadline(runtime.access.clock, TIMEOUT))


def added(paths):
    """Return the change that adds one."""
    return transition_change(call(paths), COUNTER, "add", None, KEEP)


@in_memory
def test_what_this_store_made_since_is_known_without_a_request(place, clock):
    """A commit that could only be refused is not sent; one on what still stands is."""
    store, backend = place.counting(clock=clock)
    started(store, A, B)
    attempt = attempt_in(store)
    attempt.write(added(A), store.runtime.settings)
    attempt.heads([B])
    write(store, added(B))
    backend.taken()
    attempt.check_heads()
    write(store, added(A))
    backend.taken()
    with pytest.raises(StaleReadError, match="state 'a' of governor 'g' changed"):
        attempt.check_heads()
    assert backend.taken() == []
    assert attempt.conflict == A.state


@in_memory
def test_what_this_store_knows_nothing_newer_of_is_left_to_the_commit(place, clock):
    """Another writer's change is told by the engine alone."""
    store = place.store(clock=clock)
    started(store, A)
    attempt = attempt_in(store)
    attempt.write(added(A), store.runtime.settings)
    attempt.check_heads()
    store.runtime.writer.heads.drop(A.state)
    write(place.store(), added(A))
    attempt.check_heads()


@in_memory
def test_a_state_that_this_store_created_since_is_known(place, clock):
    """Where the attempt found none."""
    store = place.store(clock=clock)
    attempt = attempt_in(store)
    attempt.write(start_change(call(A), COUNTER, {"n": 1}), store.runtime.settings)
    started(store, A)
    with pytest.raises(StaleReadError):
        attempt.check_heads()


@in_memory
@pytest.mark.parametrize(("seconds", "is_past"), [(0, True), (600, True), (600.001, False)])
def test_the_past_is_read_for_ten_minutes(place, clock, seconds, is_past):
    """Engines keep it for an hour or so; behind that the present is read."""
    started(place.store(), A)
    backend = WrappedBackend(place.store().runtime.access.backend)
    backend.capabilities |= {Capability.READ_AT}
    attempt = attempt_in(BackendStore(backend, clock=clock))
    assert attempt._moment() is None
    attempt.heads([A])
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
def test_what_was_read_is_looked_at_again_where_it_may_be_torn(place, clock, read_only, batches, looks):
    """One document cannot be; a reader who commits nothing read all of it at once."""
    started(place.store(), A, B)
    backend = CountingBackend(TearingBackend(place.store().runtime.access.backend))
    store = BackendStore(backend, clock=clock)
    attempt = attempt_in(store, read_only=read_only)
    for wanted in batches:
        attempt.heads(wanted)
    backend.taken()
    attempt.confirm()
    assert backend.taken() == ["get_many"] * looks


@in_memory
@pytest.mark.parametrize("seconds", [0, 5])
def test_a_delay_counts_from_what_the_store_s_clock_has_reached_by_then(place, clock, seconds):
    """What its last reply told, and the time since: a body may take long."""
    store = place.store(clock=clock)
    started(store, A)
    attempt = attempt_in(store)
    attempt.heads([A])
    told = store.runtime.access.store_time.latest
    clock.advance(seconds)
    change = schedule_change(call(A), COUNTER, "add", at=None, after=timedelta(hours=1))
    applied = attempt.write(change, store.runtime.settings)
    assert applied.record.due_at == told + timedelta(hours=1, seconds=seconds)
