"""Moves of many states in one commit: each its own outcome, and what one of them meets is nobody else's."""

import pytest

from tai_state import (
    AsyncBackendStore,
    AsyncStateMachinePersister,
    OutcomeUnknownError,
    PersistenceConfig,
    StateNotFoundError,
    StoreError,
    TaiStateError,
    TransitionNotAllowedError,
    TransitionRequest,
)
from tai_state.errors import CommitAmbiguousError, DeadlineExceededError, StoreUnavailableError
from tai_state.layout import state_layout
from tai_state.testing import ManualClock
from tests._async.machines import COUNTER
from tests._async.stores import NO_WAIT, AsyncWrappedBackend, async_document_at
from tests.waits import patience

STATES = [f"s{number}" for number in range(6)]


class AsyncSizedBackend(AsyncWrappedBackend):
    """Notes how many events each commit has; each meets the next of *faults*."""

    def __init__(self, inner):
        super().__init__(inner)
        self.sizes = []
        self.sent = self.reads = 0
        self.faults = []
        self.is_cut = False
        self.cut_behind = 0
        """Behind which commit nobody gets an answer any more."""
        self.clock = ManualClock()

    async def get_many(self, paths, *, timeout, consistent=True, at=None):
        if self.is_cut:
            raise StoreUnavailableError
        self.reads += 1
        return await super().get_many(paths, timeout=timeout, consistent=consistent, at=at)

    async def commit(self, writes, *, timeout):
        self.sent += 1
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "refused":
            raise StoreError(fault)
        if fault == "cut off":
            self.is_cut = True
        if self.is_cut:
            self.clock.advance(timeout)
            raise CommitAmbiguousError(fault)
        result = await super().commit(writes, timeout=timeout)
        self.sizes.append(sum(write.path.collection.endswith("/events") for write in writes))
        self.is_cut = len(self.sizes) == self.cut_behind
        if fault == "reply lost":
            raise CommitAmbiguousError(fault)
        return result


async def async_many(place, config=None):
    """Return a persister with its states started, over a backend that counts."""
    backend = AsyncSizedBackend(place.store().runtime.access.backend)
    store = AsyncBackendStore(backend, actor="tester", retry=NO_WAIT)
    persister = AsyncStateMachinePersister(store, COUNTER, config or PersistenceConfig())
    for state_id in STATES:
        await persister.start("g", state_id, {"n": 0})
    backend.sizes.clear()
    backend.reads = 0
    return persister, backend


def timed(backend):
    """Return a persister over *backend* for which time passes as it says."""
    store = AsyncBackendStore(backend, actor="tester", clock=backend.clock, retry=NO_WAIT)
    return AsyncStateMachinePersister(store, COUNTER)


def adds(*numbers, **options):
    return [TransitionRequest("g", state_id, "add", number, **options) for number in numbers for state_id in STATES]


async def async_check(persister, requests, outcomes):
    """Each result is its own request's, in the log as it was told, and those of a state in their order."""
    last: dict[str, int] = {}
    for request, outcome in zip(requests, outcomes, strict=True):
        assert (outcome.event.state_id, outcome.event.payload) == (request.state_id, request.payload)
        assert outcome.version > last.get(request.state_id, 0)
        last[request.state_id] = outcome.version
        events = [event async for event in persister.history("g", request.state_id)]
        assert events[outcome.version - 1] == outcome.event
    assert (await persister.validate_consistency("g")).problems == []


async def test_moves_of_many_states_are_one_commit(place):
    """Without a read, where the states are known."""
    persister, backend = await async_many(place)
    requests = adds(1, 10, 100)
    outcomes = await persister.transition_many(requests)
    assert (backend.sizes, backend.reads) == ([18], 0)
    await async_check(persister, requests, outcomes)
    assert {(await persister.load_state("g", one)).snapshot.data["n"] for one in STATES} == {111}


async def test_states_that_are_not_known_are_read_at_once(place):
    """One read, one commit."""
    await async_many(place)
    backend = AsyncSizedBackend(place.store().runtime.access.backend)
    persister = AsyncStateMachinePersister(AsyncBackendStore(backend, actor="tester"), COUNTER)
    requests = adds(1)
    outcomes = await persister.transition_many(requests)
    assert (backend.sizes, backend.reads) == ([6], 1)
    await async_check(persister, requests, outcomes)


async def test_what_is_refused_fails_alone_and_in_its_order(place):
    """What comes behind it of the same state is decided upon what is there then."""
    persister, _ = await async_many(place)
    requests = adds(1)
    requests[2:2] = [
        TransitionRequest("g", "s0", "reopen"),
        TransitionRequest("g", "missing", "add", 1),
        TransitionRequest("g", "s0", "shut"),
        TransitionRequest("g", "s0", "add", 5),
        TransitionRequest("g", "s0", "reopen"),
        TransitionRequest("g", "s0", "add", 7),
    ]
    outcomes = await persister.transition_many(requests)
    kinds = [type(outcome) for outcome in outcomes if isinstance(outcome, TaiStateError)]
    assert kinds == [TransitionNotAllowedError, StateNotFoundError, TransitionNotAllowedError]
    made = [(asked, one) for asked, one in zip(requests, outcomes, strict=True) if not isinstance(one, TaiStateError)]
    await async_check(persister, [asked for asked, _ in made], [one for _, one in made])
    assert (await persister.load_state("g", "s0")).snapshot.data == {"n": 8}


async def test_a_key_makes_its_move_once(place):
    """Twice in one call, and again in the next one, as after a crash."""
    persister, backend = await async_many(place)
    requests = [TransitionRequest("g", one, "add", 1, idempotency_key=f"k-{one}") for one in [*STATES, "s0"]]
    first = await persister.transition_many(requests)
    backend.sent = 0
    again = await persister.transition_many(requests)
    # One each, from what is known, which the receipt refuses; together they are not tried in vain.
    assert backend.sent <= len(requests)
    assert [one.replayed for one in first] == [*[False] * 6, True]
    assert [one.replayed for one in again] == [True] * 7
    assert [one.version for one in again] == [one.version for one in first] == [2] * 7


async def test_moves_under_keys_are_one_commit(place):
    """A key that is new keeps no move from going with the others."""
    persister, backend = await async_many(place)
    requests = [TransitionRequest("g", one, "add", 1, idempotency_key=f"k-{one}") for one in STATES]
    outcomes = await persister.transition_many(requests)
    assert backend.sizes == [6]
    await async_check(persister, requests, outcomes)


async def test_a_conflict_of_one_state_is_nobody_elses(place):
    """The commit is split until it goes alone."""
    persister, backend = await async_many(place)
    await AsyncStateMachinePersister(place.store(), COUNTER).transition("g", "s3", "add", 1_000)
    requests = adds(1)
    outcomes = await persister.transition_many(requests)
    await async_check(persister, requests, outcomes)
    assert backend.sizes == [3, 3]
    assert (await persister.load_state("g", "s3")).snapshot.data == {"n": 1_001}


async def test_a_lost_reply_makes_each_move_once(place):
    """The identical request again, settled by the first event."""
    persister, backend = await async_many(place)
    backend.faults = ["reply lost"]
    requests = adds(1, 10)
    outcomes = await persister.transition_many(requests)
    await async_check(persister, requests, outcomes)
    assert {(await persister.load_state("g", one)).snapshot.data["n"] for one in STATES} == {11}


async def test_what_a_read_told_of_a_lost_reply_is_known(place):
    """The next move is made without another look."""
    persister, backend = await async_many(place)
    await persister.transition("g", "s1", "add", 1)
    backend.faults = ["reply lost"]
    await persister.transition("g", "s1", "add", 1)
    backend.reads = 0
    await persister.transition("g", "s1", "add", 1)
    assert backend.reads == 0


async def test_without_a_verdict_each_move_is_unknown(place):
    """Each with the id that tells it later."""
    _, backend = await async_many(place)
    backend.faults = ["cut off"]
    outcomes = await timed(backend).transition_many(adds(1), timeout=10)
    assert {type(one) for one in outcomes} == {OutcomeUnknownError}
    assert len({one.transition_id for one in outcomes}) == 6
    assert {one.state_id for one in outcomes} == set(STATES)


async def test_what_the_store_refuses_each_move_is_told(place):
    """As its outcome; what another half of them had made stays told as made."""
    persister, backend = await async_many(place)
    await AsyncStateMachinePersister(place.store(), COUNTER).transition("g", "s3", "add", 1_000)
    # The first one meets a conflict, and is split.
    backend.faults = ["", "", "refused"]
    requests = adds(1, 10)
    outcomes = await persister.transition_many(requests)
    made = [index for index, asked in enumerate(requests) if asked.state_id in {"s0", "s1", "s2"}]
    await async_check(persister, [requests[index] for index in made], [outcomes[index] for index in made])
    refused = [one for index, one in enumerate(outcomes) if index not in made]
    assert [(type(one), str(one)) for one in refused] == [(StoreError, "refused")] * 6
    await async_check(persister, requests, await persister.transition_many(requests))


async def test_snapshots_and_segments_are_made_as_ever(place):
    """A snapshot ends what goes together of its state, and what is due to be sealed goes alone."""
    persister, _ = await async_many(place, PersistenceConfig(snapshot_interval=3, segment_events=4))
    requests = adds(*range(1, 10))
    outcomes = await persister.transition_many(requests)
    await async_check(persister, requests, outcomes)
    for state_id in STATES:
        assert [one.version async for one in persister.list_snapshots("g", state_id)] == [3, 6, 9]
        marks = (await async_document_at(persister.store, state_layout("g", state_id).state)).fields
        assert marks["sealed_through"] == 8
        assert (await persister.load_state("g", state_id)).snapshot.data == {"n": 45}


@pytest.mark.parametrize("size", [200_000])
async def test_a_commit_is_bounded(place, size):
    """By its bytes, and by its documents: many moves are several commits."""
    persister, backend = await async_many(place)
    large = [TransitionRequest("g", one, "add", 1, metadata=None) for one in STATES]
    for one in STATES:
        await persister.store.save_state("g", one, {"n": 0, "text": "é" * size})
    backend.sizes.clear()
    outcomes = await persister.transition_many(large)
    await async_check(persister, large, outcomes)
    assert max(backend.sizes) < 6
    for one in STATES:
        await persister.store.save_state("g", one, {"n": 0})
    backend.sizes.clear()
    outcomes = await persister.transition_many(adds(*range(60)))
    assert max(backend.sizes) <= 150
    assert sum(backend.sizes) == 360
    assert not [one for one in outcomes if isinstance(one, TaiStateError)]


async def test_what_is_made_is_told_whatever_the_store_does_then(place):
    """Two commits' worth, and no answer from the first on: the outcomes of the first are there, the others failed."""
    persister, backend = await async_many(place)
    for one in STATES:
        await persister.store.save_state("g", one, {"n": 0, "text": "é" * 200_000})
    fresh = AsyncBackendStore(backend, actor="tester", retry=NO_WAIT)
    backend.sizes.clear()
    backend.cut_behind = 1
    outcomes = await AsyncStateMachinePersister(fresh, COUNTER).transition_many(adds(1), timeout=patience(0.3))
    made = [one for one in outcomes if not isinstance(one, TaiStateError)]
    assert len(made) == backend.sizes[0]
    assert {type(one) for one in outcomes if one not in made} == {DeadlineExceededError}
    backend.is_cut = False
    for one, outcome in zip(STATES, outcomes, strict=True):
        is_made = not isinstance(outcome, TaiStateError)
        assert (await persister.load_state("g", one)).snapshot.data["n"] == is_made


async def test_a_state_that_is_kept_busy_fails_alone(place):
    """Its moves are told so; those of the others are made, with time of their own."""
    persister, _ = await async_many(place)
    with persister.store.runtime.writer.lines.join(state_layout("g", "s3").state):
        outcomes = await persister.transition_many(adds(1, 10), timeout=0.3)
    assert [index for index, one in enumerate(outcomes) if isinstance(one, DeadlineExceededError)] == [3, 9]
    await async_check(
        persister,
        [asked for asked in adds(1, 10) if asked.state_id != "s3"],
        [one for one in outcomes if not isinstance(one, TaiStateError)],
    )
    assert (await persister.load_state("g", "s3")).snapshot.data == {"n": 0}
