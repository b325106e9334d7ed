"""Moves that are put one by one, and made in commits of many states: each caller hears of his own."""

from functools import partial
from typing import Any

import pytest

from tai_state import (
    AsyncBackendStore,
    AsyncStateMachinePersister,
    Machine,
    MachineError,
    StateNotFoundError,
    Transition,
    TransitionNotAllowedError,
    TransitionRequest,
    VersionConflictError,
    change_context,
)
from tai_state._platform.promises import async_settled
from tai_state._platform.tasks import async_sleep, async_together
from tai_state._platform.waits import AsyncSignal
from tai_state.batching import AsyncBatchWriter
from tai_state.clock import Deadline
from tai_state.errors import ConfigurationError, DeadlineExceededError, StoreClosedError
from tests._async.machines import COUNTER
from tests._async.stores import NO_WAIT, AsyncWrappedBackend, in_memory
from tests.outcomes import async_outcome

STATES = [f"s{number}" for number in range(5)]
LONG = 3600.0


class AsyncGatedBackend(AsyncWrappedBackend):
    """Notes how many events each commit has; while it is shut, commits wait."""

    def __init__(self, inner):
        super().__init__(inner)
        self.sizes: list[int] = []
        self.states: list[list[str]] = []
        self.is_shut = False
        self.begun = 0

    async def commit(self, writes, *, timeout):
        self.begun += 1
        while self.is_shut:
            await async_sleep(0.001)
        self.sizes.append(sum(write.path.collection.endswith("/events") for write in writes))
        self.states.append([write.path.id for write in writes if write.path.collection.endswith("/states")])
        return await super().commit(writes, timeout=timeout)

    async def until_begun(self, count):
        while self.begun < count:
            await async_sleep(0.001)


@pytest.fixture
async def gated(place):
    """A persister of some states, and the backend below it."""
    backend = AsyncGatedBackend(place.store().runtime.access.backend)
    persister = AsyncStateMachinePersister(AsyncBackendStore(backend, actor="tester", retry=NO_WAIT), COUNTER)
    for state_id in STATES:
        await persister.start("g", state_id, {"n": 0})
    backend.sizes.clear()
    backend.states.clear()
    backend.begun = 0
    return persister, backend


def add(state_id, number=1, **options):
    """Return the request of a move."""
    return TransitionRequest("g", state_id, "add", number, **options)


async def async_numbers(persister):
    """Return what the states add up to."""
    return [(await persister.load_state("g", one)).snapshot.data["n"] for one in STATES]


async def test_moves_of_many_states_are_made_in_one_commit(gated):
    """As soon as they are so many; each caller is told his own."""
    persister, backend = gated
    async with AsyncBatchWriter(persister, max_items=10, max_wait=LONG) as writer:
        futures = [await writer.put(add(one, number)) for number in (1, 10) for one in STATES]
        results = [await async_outcome(one) for one in futures]
    assert [(one.event.state_id, one.event.payload) for one in results] == [(one, n) for n in (1, 10) for one in STATES]
    assert [one.version for one in results] == [2] * 5 + [3] * 5
    assert backend.sizes == [10]
    assert await async_numbers(persister) == [11] * 5


async def test_those_of_one_state_are_one_write_of_it(gated):
    """However they came among others; each is an event of its own, and the oldest state comes first."""
    persister, backend = gated
    backend.is_shut = True
    async with AsyncBatchWriter(persister, max_items=12, max_wait=LONG) as writer:
        # Both makers are under way, each with twelve of one state.
        for state_id in ("s0", "s1"):
            for _ in range(12):
                await writer.put(add(state_id))
        await backend.until_begun(2)
        futures = [await writer.put(add(one)) for one in ("s4", "s2", "s3") * 8]
        backend.is_shut = False
        await writer.flush()
        results = [await async_outcome(one) for one in futures]
    assert [one.version for one in results] == [version for version in range(2, 10) for _ in range(3)]
    assert max(map(len, backend.states)) == 2
    assert await async_numbers(persister) == [12, 12, 8, 8, 8]


async def test_what_waits_long_enough_is_made(gated):
    """However little it is."""
    persister, _ = gated
    async with AsyncBatchWriter(persister, max_wait=0.02) as writer:
        result = await async_outcome(await writer.put(add("s0")))
        assert result.version == 2


async def test_a_flush_has_all_made_that_was_put(gated):
    """Whatever its age, and in as many commits as it takes; two of them may be under way at once."""
    persister, backend = gated
    async with AsyncBatchWriter(persister, max_items=8, max_wait=LONG) as writer:
        futures = [await writer.put(add(one)) for one in STATES * 2]
        assert await writer.flush()
        assert all(one.done() for one in futures)
        assert sorted(backend.sizes) == [2, 8]
        assert await writer.flush()
    assert await async_numbers(persister) == [2] * 5


async def test_a_flush_waits_for_those_of_a_busy_state(gated):
    """Though others, which were put later, are made before them."""
    persister, backend = gated
    backend.is_shut = True
    async with AsyncBatchWriter(persister, max_items=2, max_wait=LONG) as writer:
        # The first two are under way; the third is of one of their states.
        futures = [await writer.put(add(one)) for one in ("s0", "s1", "s0")]
        await backend.until_begun(1)

        async def opened():
            while not writer._asked:
                await async_sleep(0.001)
            futures.extend([await writer.put(add(one)) for one in ("s2", "s3")])
            await backend.until_begun(2)
            backend.is_shut = False

        calls: list[Any] = [writer.flush, opened]
        told, _ = await async_together(calls)
        assert told is True
        assert [one.done() for one in futures[:3]] == [True] * 3
    assert [(await async_outcome(one)).version for one in futures] == [2, 2, 3, 2, 2]


async def test_the_close_waits_for_all(gated):
    """And takes no more; a second one finds nothing left."""
    persister, _ = gated
    writer = AsyncBatchWriter(persister, max_wait=LONG)
    futures = [await writer.put(add(one)) for one in STATES]
    assert await writer.close()
    assert [(await async_outcome(one)).version for one in futures] == [2] * 5
    assert await writer.close()
    with pytest.raises(StoreClosedError):
        await writer.put(add("s0"))


async def test_what_fails_fails_alone(gated, place):
    """A refusal, a conflict with another process, a state that is not there, and a request that cannot be."""
    persister, _ = gated
    other = AsyncStateMachinePersister(place.store(), COUNTER)
    await other.transition("g", "s0", "add", 100)
    asked: list[tuple[TransitionRequest, type | None]] = [
        (add("s0"), None),
        (TransitionRequest("g", "s1", "reopen"), TransitionNotAllowedError),
        (add("none"), StateNotFoundError),
        (add("s1"), None),
        (add("s2", expected_version=7), VersionConflictError),
        (TransitionRequest("g", "s3", ""), Exception),
        (add("s2"), None),
        (add("s3"), None),
    ]
    async with AsyncBatchWriter(persister, max_wait=LONG) as writer:
        futures = [(await writer.put(request), error) for request, error in asked]
        await writer.flush()
        for future, error in futures:
            if error is None:
                assert (await async_outcome(future)).event.action == "add"
            else:
                with pytest.raises(error):
                    await async_outcome(future)
    assert await async_numbers(persister) == [101, 1, 1, 1, 0]


async def test_those_of_one_state_keep_their_order(gated):
    """Also where one of them goes alone."""
    persister, _ = gated
    actions = ["add", "shut", "reopen", "add", "shut"]
    async with AsyncBatchWriter(persister, max_items=2, max_wait=0.01) as writer:
        futures = [await writer.put(TransitionRequest("g", "s0", action, 1)) for action in actions]
        results = [await async_outcome(one) for one in futures]
    assert [one.version for one in results] == [2, 3, 4, 5, 6]
    assert [event.action async for event in persister.history("g", "s0")][1:] == actions


async def test_a_key_makes_a_move_once(gated):
    """As it is put again by somebody who does not know what became of it."""
    persister, _ = gated
    async with AsyncBatchWriter(persister, max_wait=0.01) as writer:
        first = await async_outcome(await writer.put(add("s0", idempotency_key="x")))
        again = await async_outcome(await writer.put(add("s0", idempotency_key="x")))
    assert (first.replayed, again.replayed) == (False, True)
    assert again.event == first.event


@in_memory
async def test_who_puts_waits_while_too_many_are_pending(gated):
    """Until one of them has an outcome, or his time is over."""
    persister, backend = gated
    backend.is_shut = True
    writer = AsyncBatchWriter(persister, max_items=2, max_wait=0.0, max_pending=3)
    futures = [await writer.put(add(one)) for one in STATES[:3]]
    with pytest.raises(DeadlineExceededError, match="3 pending"):
        await writer.put(add("s4"), timeout=0.01)
    await backend.until_begun(1)

    async def later():
        while not writer._outside:
            await async_sleep(0.001)
        backend.is_shut = False

    calls: list[Any] = [partial(writer.put, add("s4", 7)), later]
    put, _ = await async_together(calls)
    await writer.close()
    assert [(await async_outcome(one)).version for one in [*futures, put]] == [2] * 4
    assert await async_numbers(persister) == [1, 1, 1, 0, 7]


@in_memory
async def test_many_who_wait_for_a_place_all_get_one(gated):
    """However few there are."""
    persister, _ = gated
    async with AsyncBatchWriter(persister, max_items=3, max_wait=0.0, max_pending=3) as writer:

        async def one(state_id) -> Any:
            return await async_outcome(await writer.put(add(state_id)))

        results = await async_together([partial(one, state_id) for state_id in STATES * 12])
    assert sorted(result.version for result in results) == sorted([*range(2, 14)] * 5)


@in_memory
async def test_who_is_called_and_gone_leaves_the_place_to_the_next_one(gated):
    """So that nobody waits for a place that is free."""
    persister, _ = gated
    async with AsyncBatchWriter(persister) as writer:
        gone, following = AsyncSignal(), AsyncSignal()
        # Taken out by whoever calls him, at the moment when his time is over.
        writer._outside.append(following)
        with pytest.raises(DeadlineExceededError):
            await writer._wait(gone, Deadline(persister.store.runtime.access.clock, 0.001))
        assert await following.wait(10)


@in_memory
async def test_who_waits_when_it_is_closed_is_told(gated):
    """Nothing of his is made."""
    persister, backend = gated
    backend.is_shut = True
    writer = AsyncBatchWriter(persister, max_items=1, max_wait=0.0, max_pending=1)
    future = await writer.put(add("s0"))

    async def waiting():
        with pytest.raises(StoreClosedError):
            await writer.put(add("s1"), timeout=60)

    async def closing():
        while not writer._outside:
            await async_sleep(0.001)
        assert await writer.close()

    async def opening():
        while not writer._is_closed:
            await async_sleep(0.001)
        backend.is_shut = False

    await async_together([waiting, closing, opening])
    assert (await async_outcome(future)).version == 2
    assert await async_numbers(persister) == [1, 0, 0, 0, 0]


@in_memory
async def test_a_close_that_may_not_wait_tells_what_was_not_begun(gated):
    """What is under way is made."""
    persister, backend = gated
    backend.is_shut = True
    writer = AsyncBatchWriter(persister, max_items=1, max_wait=0.0)
    first, second = await writer.put(add("s0")), await writer.put(add("s0"))
    await backend.until_begun(1)

    async def opened():
        while not second.done():
            await async_sleep(0.001)
        backend.is_shut = False

    calls: list[Any] = [partial(writer.close, timeout=0.01), opened]
    told, _ = await async_together(calls)
    assert told is False
    assert (await async_outcome(first)).version == 2
    with pytest.raises(StoreClosedError):
        await async_outcome(second)
    assert await async_numbers(persister) == [1, 0, 0, 0, 0]


@in_memory
async def test_who_waits_for_what_was_cancelled_is_told_by_a_close(gated):
    """Also where that may not wait, and nobody has come to it."""
    persister, backend = gated
    backend.is_shut = True
    writer = AsyncBatchWriter(persister, max_items=1, max_wait=0.0)
    first, gone, last = [await writer.put(add("s0")) for _ in range(3)]
    await backend.until_begun(1)
    assert gone.cancel()

    async def opened():
        while not last.done():
            await async_sleep(0.001)
        told = await async_settled([gone], 10)
        backend.is_shut = False
        return told

    calls: list[Any] = [partial(writer.close, timeout=0.01), opened]
    assert await async_together(calls) == [False, True]
    assert (await async_outcome(first)).version == 2


@in_memory
async def test_a_future_that_is_cancelled_takes_its_move_back(gated):
    """As long as it was not taken."""
    persister, _ = gated
    async with AsyncBatchWriter(persister, max_wait=LONG) as writer:
        kept, gone = await writer.put(add("s0")), await writer.put(add("s1"))
        assert gone.cancel()
        await writer.flush()
        assert (await async_outcome(kept)).version == 2
    assert await async_numbers(persister) == [1, 0, 0, 0, 0]


@in_memory
async def test_a_move_is_signed_by_whoever_put_it(gated):
    """Not by who happened to be there when it was made."""
    persister, _ = gated
    async with AsyncBatchWriter(persister, max_wait=LONG) as writer:
        with change_context(changed_by="ada", reason="because"):
            first = await writer.put(add("s0"))
        second = await writer.put(add("s1"))
        await writer.flush()
        results = [await async_outcome(one) for one in (first, second)]
    assert [one.event.metadata.changed_by for one in results] == ["ada", "tester"]


@in_memory
async def test_what_a_machine_raises_fails_its_own_move(place):
    """With its cause."""
    odd = Machine("odd", "on", [Transition("go", "on", "on", apply=lambda data, payload: {"n": 1 // payload})])
    persister = AsyncStateMachinePersister(place.store(), odd)
    await persister.start("g", "a")
    await persister.start("g", "b")
    async with AsyncBatchWriter(persister, max_wait=LONG) as writer:
        futures = [await writer.put(TransitionRequest("g", one, "go", number)) for one, number in (("a", 0), ("b", 1))]
        await writer.flush()
        with pytest.raises(MachineError) as failed:
            await async_outcome(futures[0])
        assert (await async_outcome(futures[1])).version == 2
    assert isinstance(failed.value.__cause__, ZeroDivisionError)


@in_memory
async def test_what_cannot_be_is_refused(gated, place):
    """A persister without a machine, a number, a request."""
    persister, _ = gated
    with pytest.raises(ConfigurationError):
        AsyncBatchWriter(AsyncStateMachinePersister(place.store()))
    for options in ({"max_items": 0}, {"max_wait": -1}, {"max_pending": 0}):
        with pytest.raises(ConfigurationError):
            AsyncBatchWriter(persister, **options)
    async with AsyncBatchWriter(persister) as writer:
        with pytest.raises(ConfigurationError):
            await writer.put("add")  # type: ignore[arg-type]  # as a caller without a type checker would
