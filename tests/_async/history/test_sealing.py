"""Sealing never fails or delays a change: it comes behind the decision, in a part of the time, and is put off then."""

from itertools import pairwise

import pytest

from tai_state import (
    KEEP,
    AsyncBackendStore,
    AsyncStateMachinePersister,
    PersistenceConfig,
    TransitionNotAllowedError,
    TransitionRequest,
)
from tai_state.documents import Delete, Put
from tai_state.errors import DocumentTooLargeError, StoreUnavailableError
from tai_state.layout import state_layout
from tai_state.testing import ManualClock
from tests._async.machines import COUNTER
from tests._async.stores import NO_WAIT, TIMEOUT, AsyncWrappedBackend, async_document_at

PATHS = state_layout("g", "s")
CONFIG = PersistenceConfig(snapshot_interval=1_000, segment_events=4)


class AsyncSlowBackend(AsyncWrappedBackend):
    """Each read of several documents takes as long as *seconds* on *clock*; one that is given less fails then."""

    def __init__(self, inner, clock, seconds):
        super().__init__(inner)
        self.clock = clock
        self.seconds = seconds
        self.events_min = 2
        self.reads = 0

    async def get_many(self, paths, *, timeout, consistent=True, at=None):
        events = [path for path in paths if path.collection.endswith("/events")]
        if len(events) >= self.events_min:
            self.reads += 1
            self.clock.advance(min(timeout, self.seconds))
            if timeout <= self.seconds:
                message = "too slow"
                raise StoreUnavailableError(message)
        return await super().get_many(paths, timeout=timeout, consistent=consistent, at=at)


async def async_grow(persister, version):
    """Start the state, and add until it is at *version*."""
    await persister.start("g", "s", {"n": 0})
    for number in range(1, version):
        await persister.transition("g", "s", "add", number)


async def async_sealed_through(store):
    return (await async_document_at(store, PATHS.state)).fields["sealed_through"]


async def test_a_refusal_at_a_boundary_reads_no_event(place):
    """The decision comes first: what changes nothing seals nothing."""
    await async_grow(AsyncStateMachinePersister(place.store(), COUNTER, CONFIG), 4)
    store, backend = place.counting()
    persister = AsyncStateMachinePersister(store, COUNTER, CONFIG)
    with pytest.raises(TransitionNotAllowedError):
        await persister.transition("g", "s", "reopen")
    assert backend.taken() == ["get_many"]


async def test_a_repetition_at_a_boundary_reads_no_run(place):
    """A key that was used reads the event that it names, and no other."""
    persister = AsyncStateMachinePersister(place.store(), COUNTER, CONFIG)
    await async_grow(persister, 3)
    await persister.transition("g", "s", "add", 1, idempotency_key="k")
    store, backend = place.counting()
    again = await AsyncStateMachinePersister(store, COUNTER, CONFIG).transition("g", "s", "add", 1, idempotency_key="k")
    assert again.replayed
    assert backend.taken() == ["get_many", "get_many"]
    assert await async_sealed_through(store) == 0


async def async_slow(place, seconds):
    """Return a persister whose state is due to be sealed, over a backend whose reads of events take *seconds*."""
    store = place.store()
    await async_grow(AsyncStateMachinePersister(store, COUNTER, CONFIG), 4)
    backend = AsyncSlowBackend(store.runtime.access.backend, ManualClock(), seconds)
    slow = AsyncBackendStore(backend, actor="tester", clock=backend.clock, retry=NO_WAIT)
    return AsyncStateMachinePersister(slow, COUNTER, CONFIG), backend


@pytest.mark.parametrize(("timeout", "most"), [(1.0, 0.1), (20.0, 1.0), (None, 1.0)])
async def test_a_slow_run_delays_no_change(place, timeout, most):
    """A tenth of the time that there is, and a second at most; then the change goes without its segment."""
    persister, backend = await async_slow(place, 60.0)
    await persister.transition("g", "s", "add", timeout=timeout)
    assert backend.clock.monotonic() == pytest.approx(most, abs=0.01)
    assert await async_sealed_through(persister.store) == 0


async def test_a_run_that_could_not_be_read_is_put_off(place):
    """The next changes do not try again before a second has passed, then two, then four."""
    persister, backend = await async_slow(place, 60.0)
    tried = []
    for _ in range(12):
        before = backend.reads
        began = backend.clock.monotonic()
        await persister.transition("g", "s", "add")
        if backend.reads > before:
            tried.append(began)
        backend.clock.advance(1.0 - (backend.clock.monotonic() - began) % 1.0)
    waits = [later - sooner for sooner, later in pairwise(tried)]
    assert waits == sorted(waits)
    assert waits[0] == pytest.approx(2.0, abs=0.1)
    assert len(tried) == 4


async def test_a_run_that_was_put_off_is_sealed_when_it_can_be_read(place):
    """Nothing is given up for good."""
    persister, backend = await async_slow(place, 60.0)
    await persister.transition("g", "s", "add")
    backend.seconds = 0.0
    backend.clock.advance(2.0)
    await persister.transition("g", "s", "add")
    assert await async_sealed_through(persister.store) == 4


async def test_a_damaged_run_is_sealed_behind_its_repair(place):
    """It is put off like any other failure, and not read with each change."""
    store = place.store()
    await async_grow(AsyncStateMachinePersister(store, COUNTER, CONFIG), 4)
    event = await async_document_at(store, PATHS.event(2))
    await store.runtime.access.backend.commit([Delete(PATHS.event(2))], timeout=TIMEOUT)
    backend = AsyncSlowBackend(store.runtime.access.backend, ManualClock(), 0.0)
    slow = AsyncBackendStore(backend, actor="tester", clock=backend.clock)
    persister = AsyncStateMachinePersister(slow, COUNTER, CONFIG)
    for _ in range(3):
        await persister.transition("g", "s", "add")
    assert backend.reads == 1
    await store.runtime.access.backend.commit([Put(PATHS.event(2), event.fields)], timeout=TIMEOUT)
    backend.clock.advance(2.0)
    await persister.transition("g", "s", "add")
    assert (backend.reads, await async_sealed_through(store)) == (2, 4)


async def test_a_run_of_large_events_is_read_in_parts(place):
    """What was read when the time is over is sealed; the rest comes with the next change."""
    store = place.store()
    persister = AsyncStateMachinePersister(store, COUNTER, CONFIG)
    await persister.start("g", "s", {"n": 0, "text": "x" * 700_000})
    for _ in range(3):
        await persister.transition("g", "s", "add")
    backend = AsyncSlowBackend(store.runtime.access.backend, ManualClock(), 0.6)
    slow = AsyncStateMachinePersister(AsyncBackendStore(backend, clock=backend.clock, retry=NO_WAIT), COUNTER, CONFIG)
    backend.events_min = 1
    await slow.transition("g", "s", "add")
    assert await async_sealed_through(store) == 1


async def test_a_lost_race_reads_the_run_once(place):
    """The segment goes with the next attempt; it is not read again."""
    persister, backend = await async_slow(place, 0.0)
    other = AsyncStateMachinePersister(place.store(), COUNTER, CONFIG)
    read = backend.get_many

    async def get_many(paths, **options):
        found = await read(paths, **options)
        if backend.reads == 1 and len(paths) > 1 and paths[0].collection.endswith("/events"):
            await other.store.save_state("g", "s", {"n": 9})
        return found

    backend.get_many = get_many
    await persister.transition("g", "s", "add")
    assert (backend.reads, await async_sealed_through(other.store)) == (1, 4)
    assert (await other.validate_consistency("g")).is_consistent


async def test_a_segment_that_is_too_large_for_its_commit_is_put_off(place, monkeypatch):
    """The change goes without it, and the next ones do not read it again."""
    persister, backend = await async_slow(place, 0.0)
    commit = backend.inner.commit

    async def refusing(writes, *, timeout):
        if any(write.path.collection.endswith("/segments") for write in writes):
            raise DocumentTooLargeError(2, 1, "the commit")
        return await commit(writes, timeout=timeout)

    monkeypatch.setattr(backend.inner, "commit", refusing)
    for version in (5, 6, 7):
        assert (await persister.transition("g", "s", "add")).version == version
    assert backend.reads == 1


@pytest.mark.parametrize("at", [0, 1, 2])
@pytest.mark.parametrize("is_together", [True, False])
async def test_what_cannot_be_packed_is_sealed_all_the_same(place, at, is_together):
    """A writer keeps of its events what a segment holds; of one with an empty error it keeps nothing."""
    store = place.store()
    persister = AsyncStateMachinePersister(store, COUNTER, CONFIG)
    await persister.start("g", "s", {"n": 0})
    moves = [TransitionRequest("g", "s", "add", error="" if number == at else KEEP) for number in range(3)]
    for part in [moves] if is_together else [[move] for move in moves]:
        for made in await persister.transition_many(part):
            assert not isinstance(made, Exception), made
    await persister.transition("g", "s", "add", error=None)
    assert await async_sealed_through(store) == 4
    errors = [event.last_error async for event in store.get_events("g", "s")]
    assert errors == [None, *[None] * at, *[""] * (3 - at), None]
    assert (await persister.validate_consistency("g")).is_consistent
