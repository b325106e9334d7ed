"""A worker that runs: woken by what its own process arms, and ended by a drain."""

from datetime import timedelta

import pytest

from tai_state import (
    AsyncBackendStore,
    AsyncMemoryStore,
    AsyncStateMachinePersister,
    AsyncTransactionManager,
    RetryPolicy,
)
from tai_state._platform.backgrounds import AsyncBackground
from tai_state._platform.tasks import async_sleep
from tai_state.due import AsyncDueWorker
from tests._async.due.timed import SERVER, async_status_of
from tests._async.stores import AsyncUnreachableBackend

SOON = timedelta(milliseconds=50)
WAIT_SECONDS = 20.0


@pytest.fixture
async def server():
    """A persister, and a state in ``boot``."""
    persister = AsyncStateMachinePersister(AsyncMemoryStore(), SERVER)
    await persister.start("g", "s", {"n": 0})
    return persister


async def async_until(persister, status):
    """Wait until the state has reached *status*."""
    for _ in range(int(WAIT_SECONDS / 0.01)):
        if await async_status_of(persister) == status:
            return
        await async_sleep(0.01)
    pytest.fail(f"it is not {status} yet")


async def test_it_is_woken_by_what_its_process_arms(server):
    """By a change of a state and by a transaction, long before its next look; a drain ends it."""
    worker = AsyncDueWorker(server, poll=3600)
    running = AsyncBackground("worker", worker.run)
    await async_sleep(0.05)
    await server.schedule("g", "s", "fail", after=SOON)
    await async_until(server, "failed")

    async def body(tx):
        await tx.transition(server, "g", "s", "retry")

    await AsyncTransactionManager(server.store).run(body)
    await server.schedule("g", "s", "run", after=SOON)
    await async_until(server, "running")
    assert await worker.drain()
    assert await running.join(WAIT_SECONDS)
    assert server.store.runtime.writer.listeners == []


async def test_it_does_what_others_arm_within_a_poll(server):
    """Of which nobody tells it."""
    other = AsyncStateMachinePersister(AsyncBackendStore(server.store.runtime.access.backend), SERVER)
    worker = AsyncDueWorker(server, poll=0.1)
    running = AsyncBackground("worker", worker.run)
    await other.schedule("g", "s", "fail", after=SOON)
    await async_until(server, "failed")
    assert await worker.drain()
    assert await running.join(WAIT_SECONDS)


async def test_a_store_that_is_drained_ends_it(server):
    """In order, with all else of the store."""
    worker = AsyncDueWorker(server, poll=3600)
    running = AsyncBackground("worker", worker.run)
    await async_sleep(0.05)
    assert await server.store.drain()
    assert await running.join(WAIT_SECONDS)


async def test_it_goes_on_when_the_store_answers_again(server):
    """What is due was due all the time."""
    backend = AsyncUnreachableBackend(server.store.runtime.access.backend)
    store = AsyncBackendStore(backend, retry=RetryPolicy(attempts=1))
    worker = AsyncDueWorker(AsyncStateMachinePersister(store, SERVER), poll=0.05)
    running = AsyncBackground("worker", worker.run)
    await async_sleep(0.1)
    backend.is_cut = True
    await server.schedule("g", "s", "fail", after=SOON)
    await async_sleep(0.3)
    backend.is_cut = False
    await async_until(server, "failed")
    assert await worker.drain()
    assert await running.join(WAIT_SECONDS)
