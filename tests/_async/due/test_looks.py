"""One look makes all moves that are due, whatever else there is; and nothing of one state holds up the others."""

from contextlib import suppress
from datetime import timedelta

import pytest

from tai_state import (
    AsyncBackendStore,
    AsyncMemoryStore,
    AsyncStateMachinePersister,
    DocumentTooLargeError,
    Machine,
    StoreError,
    Transition,
)
from tai_state._platform.backgrounds import AsyncBackground
from tai_state._platform.tasks import async_sleep
from tai_state.due import AsyncDueWorker, Timeout
from tai_state.testing import ManualClock
from tests._async.due.timed import SERVER, async_kinds_of, async_status_of
from tests._async.stores import AsyncCountingBackend, AsyncWrappedBackend

STATES = 10
SOON = timedelta(seconds=32)


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def memory(clock):
    """A store in memory whose clock stands still."""
    return AsyncMemoryStore(clock=clock, actor="tester")


@pytest.fixture
async def server(memory):
    """A persister, and some states in ``boot``."""
    persister = AsyncStateMachinePersister(memory, SERVER)
    for number in range(STATES):
        await persister.start("g", f"s{number}", {})
    return persister


async def test_what_another_machine_has_due_soon_ends_no_look(memory, clock, server):
    """Each key is looked at to its own end."""
    other = Machine("other", "a", [Transition("go", "a", "b")], timeouts={"a": Timeout(SOON, "go")})
    await AsyncStateMachinePersister(memory, other).start("g", "o", {})
    both = AsyncStateMachinePersister(memory, other, machines=[SERVER])
    clock.advance(31)
    assert await AsyncDueWorker(both, batch=4).run_once() == STATES


async def test_a_move_that_is_put_off_ends_no_look(server, clock):
    """It is due again soon, and what is behind it is due now."""
    await server.start("g", "a", {})
    await server.schedule("g", "a", "break", after=timedelta(seconds=1))
    clock.advance(31)
    assert await AsyncDueWorker(server, batch=4).run_once() == STATES


async def test_what_a_move_arms_ends_no_look(memory, clock):
    """A worker that runs hears of it: of each move that is made, with most machines."""
    moves = [Transition("go", "boot", "next"), Transition("back", "next", "boot")]
    timeouts = {"boot": Timeout(timedelta(seconds=30), "go"), "next": Timeout(timedelta(minutes=5), "back")}
    persister = AsyncStateMachinePersister(memory, Machine("ring", "boot", moves, timeouts=timeouts))
    for number in range(STATES):
        await persister.start("g", f"s{number}", {})
    clock.advance(31)
    worker = AsyncDueWorker(persister, poll=3600, batch=4)
    running = AsyncBackground("worker", worker.run)
    for _ in range(500):
        if [await async_status_of(persister, f"s{number}") for number in range(STATES)] == ["next"] * STATES:
            break
        await async_sleep(0.01)
    else:
        pytest.fail("some are left")
    assert await worker.drain()
    assert await running.join(20.0)


async def test_what_is_armed_for_later_is_no_reason_to_look():
    """A process that arms all the time costs as few queries as an idle one."""
    backend = AsyncCountingBackend(AsyncMemoryStore().runtime.access.backend)
    persister = AsyncStateMachinePersister(AsyncBackendStore(backend, actor="tester"), SERVER)
    worker = AsyncDueWorker(persister, poll=3600)
    running = AsyncBackground("worker", worker.run)
    await persister.start("g", "first", {})
    for number in range(20):
        await persister.start("g", f"s{number}", {})
        await async_sleep(0.005)
    # One that is due now is still seen at once, so it was awake.
    await persister.schedule("g", "s3", "fail", after=timedelta(0))
    for _ in range(500):
        if await async_status_of(persister, "s3") == "failed":
            break
        await async_sleep(0.01)
    else:
        pytest.fail("it sleeps")
    assert await worker.drain()
    assert await running.join(20.0)
    assert backend.taken().count("query") <= 4


class AsyncStubborn(AsyncWrappedBackend):
    """Refuses to write below some paths, for good."""

    refused = "governors/g/states/s3"
    error: Exception = StoreError("too many index entries")

    async def commit(self, writes, *, timeout):
        if any(str(write.path).startswith(self.refused) for write in writes):
            raise self.error
        return await super().commit(writes, timeout=timeout)


@pytest.mark.parametrize("batch", [1, 100])
async def test_a_state_that_the_engine_refuses_holds_up_no_other(memory, clock, server, batch):
    """It is its own trouble, not the store's; it is stepped past, and comes again."""
    stubborn = AsyncStubborn(memory.runtime.access.backend)
    worker = AsyncDueWorker(AsyncStateMachinePersister(AsyncBackendStore(stubborn, clock=clock), SERVER), batch=batch)
    clock.advance(31)
    for _ in range(3):
        # Where nothing else was tried beside it, it is told as the store's.
        with suppress(StoreError):
            await worker.run_once()
    statuses = [await async_status_of(server, f"s{number}") for number in range(STATES)]
    assert statuses == ["boot" if number == 3 else "failed" for number in range(STATES)]
    stubborn.refused = "nothing"
    clock.advance(600)
    assert await worker.run_once() == 1


async def test_a_state_too_large_for_any_event_holds_up_no_other(memory, clock, server):
    """It cannot even be recorded as refused: an event holds the data before and behind it."""
    stubborn = AsyncStubborn(memory.runtime.access.backend)
    stubborn.refused, stubborn.error = (
        "governors/g/events/s3@",
        DocumentTooLargeError(2_000_000, 1_048_576, "the event"),
    )
    worker = AsyncDueWorker(AsyncStateMachinePersister(AsyncBackendStore(stubborn, clock=clock), SERVER))
    clock.advance(31)
    made = 0
    for _ in range(7):
        made += await worker.run_once()
        clock.advance(400)
    assert made == STATES - 1
    assert await async_kinds_of(server, "s3") == [("start", "start")]
