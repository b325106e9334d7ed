"""How often a body runs: conflicts rerun it on fresh reads, transient errors do not, and everything ends."""

import pytest

from tai_state import (
    AsyncBackendStore,
    ConfigurationError,
    DeadlineExceededError,
    PreconditionFailedError,
    RetriesExhaustedError,
    RetryPolicy,
    StaleReadError,
    StoreUnavailableError,
)
from tai_state.testing.clock import ManualClock
from tests._async.accounts import (
    AT_ONCE,
    BANK,
    AsyncMeddledBackend,
    async_amount,
    async_amounts,
    async_open_accounts,
    async_put,
    async_transfer,
    manager_of,
    over,
)
from tests._async.stores import NO_WAIT, AsyncWrappedBackend, async_contents

THREE = RetryPolicy(attempts=3, wait_initial=0.0, wait_max=0.0)


class AsyncShakyBackend(AsyncWrappedBackend):
    """Is unavailable as often as it is told."""

    def __init__(self, inner):
        super().__init__(inner)
        self.reads_to_fail = 0
        self.commits_to_fail = 0

    async def get_many(self, paths, *, timeout, consistent=True, at=None):
        if self.reads_to_fail:
            self.reads_to_fail -= 1
            raise StoreUnavailableError
        return await super().get_many(paths, timeout=timeout, consistent=consistent, at=at)

    async def commit(self, writes, *, timeout):
        if self.commits_to_fail:
            self.commits_to_fail -= 1
            raise StoreUnavailableError
        return await super().commit(writes, timeout=timeout)


@pytest.fixture
async def other(place):
    """Another writer in the same place, where two accounts are open."""
    store = place.store()
    await async_open_accounts(store, a=100, b=0)
    return store


async def test_a_transaction_read_in_one_go_is_two_requests(place, other):
    """One read and one commit, with the store's id known or not."""
    store, backend = place.counting()
    for _ in range(3):
        await manager_of(store).run(lambda tx: async_transfer(tx, "a", "b", 1))
        assert backend.taken() == ["get_many", "commit"]
    assert await async_amounts(other, "a", "b") == [97, 3]


async def test_a_change_is_its_own_read(place, other):
    """A body that only writes costs no more."""
    store, backend = place.counting()
    await manager_of(store).run(lambda tx: async_put(tx, "a", 1))
    assert backend.taken() == ["get_many", "commit"]


async def test_a_conflict_runs_the_body_again_on_fresh_reads(place, other):
    """What another writer did between read and commit is seen by the second attempt."""
    store, backend = over(place, AsyncMeddledBackend)
    backend.before_commits.append(lambda: other.save_state(BANK, "a", {"n": 50}))
    seen = []

    async def body(tx):
        seen.append(await async_amount(tx, "a"))
        await async_transfer(tx, "a", "b", 10)

    await manager_of(store).run(body)
    assert seen == [100, 50]
    assert await async_amounts(other, "a", "b") == [40, 10]
    assert (await other.get_state(BANK, "a"))[1] == 3, "one event for each writer"


async def test_what_was_only_read_must_stand(place, other):
    """A change of it makes the attempt begin anew."""
    store, backend = over(place, AsyncMeddledBackend)
    backend.before_commits.append(lambda: other.save_state(BANK, "a", {"n": 50}))

    async def body(tx):
        await async_put(tx, "b", await async_amount(tx, "a"))

    await manager_of(store).run(body)
    assert await async_amounts(other, "a", "b") == [50, 50]


async def test_what_was_read_as_absent_must_stay_absent(place, other):
    """A creation of it makes the attempt begin anew."""
    store, backend = over(place, AsyncMeddledBackend)
    backend.before_commits.append(lambda: other.save_state(BANK, "c", {}))

    async def body(tx):
        await async_put(tx, "b", 1 if await tx.find_state(BANK, "c") is None else 2)

    await manager_of(store).run(body)
    assert await async_amounts(other, "b") == [2]


async def test_a_conflict_over_a_new_state(place, other):
    """Two creations of one state: the second sees the first."""
    store, backend = over(place, AsyncMeddledBackend)
    backend.before_commits.append(lambda: other.save_state(BANK, "c", {"n": 5}))

    async def body(tx):
        found = await tx.find_state(BANK, "c")
        return await async_put(tx, "c", found.data["n"] + 1 if found else 1)

    assert await manager_of(store).run(body) == 2
    assert await async_amounts(other, "c") == [6]


async def test_attempts_are_bounded(place, other):
    """A body that always meets a conflict is given up, from the last one."""
    store = place.store()
    before = await async_contents(other, BANK)
    runs = []

    async def body(tx):
        runs.append(1)
        await async_amount(tx, "b")
        await async_put(tx, "c", 1)
        await other.save_state(BANK, "b", {"n": len(runs)})

    with pytest.raises(RetriesExhaustedError) as caught:
        await manager_of(store, THREE).run(body)
    assert caught.value.attempts == 3
    assert isinstance(caught.value.__cause__, PreconditionFailedError)
    assert len(runs) == 3
    changed = {path.rpartition("/")[2] for path in set(await async_contents(other, BANK)) - set(before)}
    assert {name.partition("@")[0] for name in changed} == {"b"}, "nothing of ours"
    assert [one async for one in manager_of(other).list_transactions()] == []


async def test_the_time_is_bounded(place, other):
    """When it is over after a conflict, the body is not run again, and the error comes from the conflict."""
    clock = ManualClock()
    store = AsyncBackendStore(place.store().runtime.access.backend, clock=clock)
    runs = []

    async def body(tx):
        runs.append(1)
        await async_put(tx, "b", 1)
        await other.save_state(BANK, "b", {"n": len(runs)})
        clock.advance(4)

    unbounded = RetryPolicy(wait_initial=0.0, wait_max=0.0)
    with pytest.raises(DeadlineExceededError, match="nothing was written") as caught:
        await manager_of(store, unbounded).run(body, timeout=10)
    assert isinstance(caught.value.__cause__, PreconditionFailedError)
    assert len(runs) == 3
    assert [one async for one in manager_of(other).list_transactions()] == []


async def test_a_slow_body_commits_no_more(place, other):
    """Its time was over before it ended: nothing is sent."""
    clock = ManualClock()
    counted, backend = place.counting(clock=clock)

    async def body(tx):
        await async_put(tx, "b", 1)
        clock.advance(31)

    with pytest.raises(DeadlineExceededError) as caught:
        await manager_of(counted).run(body)
    assert caught.value.__cause__ is None
    assert "commit" not in backend.taken()


async def test_a_slow_body_reads_no_more(place, other):
    """The methods of the transaction end with its time."""
    clock = ManualClock()
    store = AsyncBackendStore(place.store().runtime.access.backend, clock=clock)

    async def body(tx):
        clock.advance(31)
        await async_amount(tx, "b")

    with pytest.raises(DeadlineExceededError):
        await manager_of(store).run(body)


@pytest.mark.parametrize("timeout", [0, -1, float("inf"), True, "1"])
async def test_a_timeout_that_is_none_is_refused(store, timeout):
    """Before the body runs."""
    with pytest.raises(ConfigurationError, match="timeout"):
        await manager_of(store).run(lambda tx: tx.find_state("g", "s"), timeout=timeout)


async def test_transient_errors_are_retried_below_the_body(place, other):
    """The store is asked again; the body runs once."""
    store, backend = over(place, AsyncShakyBackend)
    store = AsyncBackendStore(backend, retry=NO_WAIT)
    runs = []

    async def body(tx):
        runs.append(1)
        backend.reads_to_fail = 3
        await async_transfer(tx, "a", "b", 10)
        backend.commits_to_fail = 3

    await manager_of(store, RetryPolicy(attempts=1)).run(body)
    assert len(runs) == 1
    assert await async_amounts(other, "a", "b") == [90, 10]


async def test_a_store_that_stays_away_is_an_error_of_its_own(place, other):
    """From the last failure, and the body is not run again."""
    _, backend = over(place, AsyncShakyBackend)
    store = AsyncBackendStore(backend, retry=THREE)
    runs = []

    async def body(tx):
        runs.append(1)
        backend.reads_to_fail = 99
        await async_amount(tx, "a")

    with pytest.raises(RetriesExhaustedError) as caught:
        await manager_of(store).run(body)
    assert isinstance(caught.value.__cause__, StoreUnavailableError)
    assert len(runs) == 1


async def test_conflict_errors_of_the_body_are_its_own(place, other):
    """They pass through unchanged, and run nothing again."""
    for error in (StaleReadError("mine"), PreconditionFailedError("mine")):
        runs: list[int] = []

        async def body(tx, error=error, runs=runs):
            runs.append(1)
            await async_put(tx, "a", 1)
            raise error

        with pytest.raises(type(error)) as caught:
            await manager_of(other).run(body)
        assert caught.value is error
        assert len(runs) == 1
    assert await async_amounts(other, "a") == [100]


async def test_a_body_without_writes_is_not_committed(place, other):
    """What it read is one moment already, and there is nothing to remember."""
    store, backend = place.counting()
    assert await manager_of(store).run(lambda tx: async_amount(tx, "a")) == 100
    assert backend.taken() == ["get_many"]
    assert [one async for one in manager_of(other).list_transactions()] == []


async def test_a_run_inside_a_body_is_a_transaction_of_its_own(place, other):
    """Committed before the outer one, and again with each attempt of it."""
    store, backend = over(place, AsyncMeddledBackend)
    manager = manager_of(store)

    async def add_to_b(tx):
        await async_put(tx, "b", await async_amount(tx, "b") + 1)

    async def body(tx):
        held = await async_amount(tx, "a")
        await manager.run(add_to_b)
        if not backend.before_commits and held == 100:
            backend.before_commits.append(lambda: other.save_state(BANK, "a", {"n": 50}))
        await async_put(tx, "a", held - 1)

    await manager.run(body)
    assert await async_amounts(other, "a", "b") == [49, 2]


async def test_a_run_inside_that_changes_what_the_outer_read_never_ends_well(place, other):
    """The outer one always finds its reads outdated, and is given up."""
    manager = manager_of(other, AT_ONCE)

    async def body(tx):
        held = await async_amount(tx, "a")
        await manager.run(lambda inner: async_put(inner, "a", held - 1))
        await async_put(tx, "b", 1)

    with pytest.raises(RetriesExhaustedError):
        await manager.run(body)
    assert await async_amounts(other, "a", "b") == [95, 0]
