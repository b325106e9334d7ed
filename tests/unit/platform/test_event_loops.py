"""One async store, used by the event loops of several threads at once."""

import asyncio
import threading

import pytest

from tai_state import AsyncMemoryStore, AsyncSqliteStore, AsyncStateMachinePersister, Machine, Transition

LOOPS = 3
MOVES = 20
COUNTER = Machine("counter", "on", [Transition("count", "on", "on", apply=lambda data, _: {"n": data["n"] + 1})])


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path):
    """An async store that no loop has used yet."""
    return AsyncMemoryStore() if request.param == "memory" else AsyncSqliteStore(tmp_path / "store.db")


def test_callers_on_several_loops_change_the_same_state(store):
    """They wait for each other, whichever loop they run on, and every move is made once."""
    persister = AsyncStateMachinePersister(store, COUNTER)
    asyncio.run(persister.start("g", "s", {"n": 0}))
    errors: list[Exception] = []

    async def moves():
        calls = [persister.transition("g", "s", "count") for _ in range(MOVES)]
        errors.extend(one for one in await asyncio.gather(*calls, return_exceptions=True) if isinstance(one, Exception))

    threads = [threading.Thread(target=lambda: asyncio.run(moves())) for _ in range(LOOPS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    async def end():
        async with store:
            return await store.get_state("g", "s")

    snapshot, version = asyncio.run(end())
    assert errors == []
    assert (snapshot.data, version) == ({"n": LOOPS * MOVES}, 1 + LOOPS * MOVES)
