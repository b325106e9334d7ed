"""What a transaction costs: each document is read once, however many reads there are before it."""

import pytest

from tai_state import (
    AsyncBackendStore,
    AsyncStateMachinePersister,
    AsyncTransactionManager,
    Capability,
    Machine,
    Transition,
)
from tests._async.stores import AsyncWrappedBackend

CHAIN = Machine(
    "link",
    "on",
    [Transition("fail", "on", "failed"), Transition("follow", "on", "failed")],
    on_dependency={"failed": "follow"},
)


class AsyncReadCounter(AsyncWrappedBackend):
    """Counts the documents that are asked for."""

    documents = 0

    async def get_many(self, paths, *, timeout, consistent=True, at=None):
        self.documents += len(paths)
        return await super().get_many(paths, timeout=timeout, consistent=consistent, at=at)


@pytest.fixture
async def counted(place):
    """A store whose backend counts the documents read; the place has a state already."""
    await place.store().save_state("g", "first", {})
    backend = AsyncReadCounter(place.store().runtime.access.backend)
    return AsyncBackendStore(backend, actor="tester"), backend


async def test_blind_saves_read_each_state_once(counted):
    """Fifty saves of fifty states: fifty documents, the store's own, and what the record of it takes."""
    store, backend = counted

    async def body(tx):
        for number in range(50):
            await tx.save_state("g", f"s{number}", {"n": number})

    await AsyncTransactionManager(store).run(body)
    assert backend.documents <= 50 + 1


async def test_a_cascade_reads_each_state_once(counted):
    """Down a chain of forty states: each one, the store's own, and what the cold start of the move took."""
    store, backend = counted
    persister = AsyncStateMachinePersister(store, CHAIN)
    await persister.start("g", "n0")
    for number in range(1, 40):
        await persister.start("g", f"n{number}", depends_on=[f"n{number - 1}"])
    cold = AsyncBackendStore(backend, actor="tester")
    backend.documents = 0
    await AsyncStateMachinePersister(cold, CHAIN).transition("g", "n0", "fail")
    assert backend.documents <= 40 + 3
    assert (await cold.get_state("g", "n39"))[0].status == "failed"


async def test_reads_that_go_together_are_not_repeated(counted):
    """Twenty reads, one after the other, and one validation of what a body returns without a commit."""
    store, backend = counted
    for number in range(20):
        await store.save_state("g", f"s{number}", {"n": number})
    backend.documents = 0

    async def body(tx):
        return [(await tx.get_state("g", f"s{number}"))[1] for number in range(20)]

    assert await AsyncTransactionManager(store).run(body) == [1] * 20
    assert backend.documents <= 2 * 20


async def test_what_was_changed_since_the_first_read_is_seen(place, counted):
    """Something new that is younger than the first read: all is read again, and the body begins anew.

    Where the engine can read the past it is read as it was then.
    """
    store, _ = counted
    other = place.store()
    for name in ("a", "b"):
        await other.save_state("g", name, {"n": 0})
    seen: list[int] = []

    async def body(tx):
        (one, _) = await tx.get_state("g", "a")
        if not seen:
            for name in ("a", "b"):
                await other.save_state("g", name, {"n": 1})
        seen.append(one.data["n"])
        (two, _) = await tx.get_state("g", "b")
        return one.data["n"], two.data["n"]

    reads_the_past = Capability.READ_AT in store.capabilities
    assert await AsyncTransactionManager(store).run(body) == ((0, 0) if reads_the_past else (1, 1))
    assert seen == ([0] if reads_the_past else [0, 1])
