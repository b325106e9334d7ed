"""What sagas cost in calls and documents: counted, as docs/sagas.md says it."""

from tai_state.documents import Check
from tai_state.sagas import AsyncSagaRunner
from tests._async.sagas.deeds import AsyncDeeds


def written(backend):
    """Return how many documents were written by each commit since the last time this was asked."""
    counts = [sum(not isinstance(write, Check) for write in writes) for writes in backend.commits]
    backend.commits.clear()
    return counts


async def test_a_saga_costs_so_much(place):
    """A read and a commit to start it; a look; two commits of two documents for each step, and nothing is read."""
    store, backend = place.counting()
    deeds = AsyncDeeds("reserve", "charge")
    runner = AsyncSagaRunner(store, [deeds.saga])
    await runner.start("shop", "o-0", "order")
    await runner.run_due()
    backend.taken()
    backend.commits.clear()
    await runner.start("shop", "o-1", "order")
    assert backend.taken() == ["get_many", "commit"]
    assert written(backend) == [2]
    assert await runner.run_due() == 1
    assert backend.taken() == ["query", "get_many", *["commit"] * 4, "query"]
    assert written(backend) == [2, 2, 2, 2]
