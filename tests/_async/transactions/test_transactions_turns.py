"""Who meets conflicts gets his turn: in one process, between processes, and under a name that all of them give."""

import pytest

from tai_state import (
    AsyncBackendStore,
    AsyncLockManager,
    AsyncTransactionManager,
    DeadlineExceededError,
    DeadlockError,
    InvalidIdError,
    PreconditionFailedError,
    RetryPolicy,
    SystemClock,
)
from tai_state._async.api.transaction_queue import AsyncReservedLocks
from tai_state._platform.tasks import async_sleep, async_together
from tai_state.documents import Check
from tai_state.layout import state_layout
from tai_state.testing.clock import ManualClock
from tests._async.accounts import (
    BANK,
    AsyncMeddledBackend,
    async_amount,
    async_amounts,
    async_open_accounts,
    async_put,
    manager_of,
    over,
)
from tests._async.stores import AsyncCountingBackend
from tests.waits import patience

NO_WAIT = RetryPolicy(wait_initial=0.0, wait_max=0.0)
SOON_SECONDS = 10.0


@pytest.fixture
async def other(place):
    """Another writer in the same place, where two accounts are open."""
    store = place.store()
    await async_open_accounts(store, a=100, b=0)
    return store


async def async_increment(tx):
    await async_put(tx, "a", await async_amount(tx, "a") + 1)


def meddled(place, other, times):
    """Return a store whose first commits find that *other* was there before, and its backend."""
    store, backend = over(place, AsyncMeddledBackend)
    backend.before_commits += [lambda: other.save_state(BANK, "a", {"n": 100})] * times
    return store, backend


async def test_the_deadline_is_the_bound_by_default(place, other):
    """A body is run as often as the time allows; then the error comes from the last conflict."""
    clock = ManualClock()
    store = AsyncBackendStore(place.store().runtime.access.backend, clock=clock)
    runs = []

    async def body(tx):
        runs.append(1)
        await async_put(tx, "b", 1)
        await other.save_state(BANK, "b", {"n": len(runs)})
        clock.advance(3)

    manager = AsyncTransactionManager(store)
    manager.retry = NO_WAIT
    with pytest.raises(DeadlineExceededError, match="30 seconds") as caught:
        await manager.run(body)
    assert isinstance(caught.value.__cause__, PreconditionFailedError)
    assert AsyncTransactionManager(store).retry.attempts is None
    assert len(runs) == 10


async def test_runs_of_one_store_that_write_one_state_take_two_attempts_at_most(place, other):
    """One that met a conflict begins anew with nobody of this process before it."""
    manager = AsyncTransactionManager(place.store())
    attempts = []
    met: list[int] = []

    async def run():
        runs = []

        async def body(tx):
            runs.append(1)
            await tx.get_state(BANK, "a")
            if len(runs) == 1:
                # All have read before the first one commits.
                met.append(1)
                while len(met) < 8:
                    await async_sleep(0.001)
            await async_increment(tx)

        await manager.run(body)
        attempts.append(len(runs))

    await async_together([run] * 8)
    assert await async_amounts(other, "a") == [108]
    assert max(attempts) == 2


async def test_a_turn_that_does_not_come_is_no_error(place, other):
    """Half of the time is waited for it; then the run goes on without."""
    store = place.store()
    with store.runtime.turns.join(state_layout(BANK, "a").state):
        await manager_of(store).run(async_increment, timeout=patience(1.0))
    assert await async_amounts(other, "a") == [101]


async def test_a_run_inside_a_rerun_waits_for_no_turn(place, other):
    """The turn that it would wait for is that of the run around it."""
    store, _ = meddled(place, other, 1)
    manager = manager_of(store, NO_WAIT)
    runs: list[int] = []

    async def body(tx):
        runs.append(1)
        if len(runs) == 2:
            await manager.run(async_increment)
        await async_increment(tx)

    began = SystemClock().monotonic()
    await manager.run(body)
    assert await async_amounts(other, "a") == [102]
    assert len(runs) == 2
    assert SystemClock().monotonic() - began < SOON_SECONDS


async def test_a_rerun_reads_in_one_go(place, other):
    """What the last attempt read bit by bit."""
    _, backend = meddled(place, other, 1)
    counting = AsyncCountingBackend(backend)
    reads = []

    async def body(tx):
        counting.taken()
        await async_amount(tx, "b")
        await async_increment(tx)
        reads.append(counting.taken())

    await manager_of(AsyncBackendStore(counting)).run(body)
    assert reads == [["get_many", "get_many"], ["get_many"]]


async def test_what_was_read_ahead_and_not_asked_for_is_not_checked(place, other):
    """A rerun that goes another way depends on nothing of the old one."""
    _, backend = meddled(place, other, 1)
    counting = AsyncCountingBackend(backend)
    runs: list[int] = []

    async def body(tx):
        runs.append(1)
        if len(runs) == 1:
            await async_amount(tx, "b")
        await async_increment(tx)

    await manager_of(AsyncBackendStore(counting)).run(body)
    checked = [[write.path for write in writes if isinstance(write, Check)] for writes in counting.commits]
    assert checked == [[state_layout(BANK, "b").state], []]


async def test_what_was_read_ahead_is_read_anew_behind_a_later_read(place, other):
    """All that a body sees is as of one moment."""
    store, _ = meddled(place, other, 1)
    await async_open_accounts(other, c=0)
    runs: list[int] = []
    seen = []

    async def body(tx):
        runs.append(1)
        if len(runs) == 1:
            await tx.batch_get_states(BANK, ["a", "b"])
            return await async_put(tx, "a", 0)
        held = await async_amount(tx, "a")
        if len(runs) == 2:
            # Both are moved before the third is read, which this store has not read yet.
            await async_open_accounts(other, b=100, c=100)
        third = await async_amount(tx, "c")
        seen.append((await async_amount(tx, "b"), third))
        return await async_put(tx, "a", held)

    await manager_of(store).run(body)
    assert seen[-1] in {(0, 0), (100, 100)}
    assert all(first == third for first, third in seen)


# Between processes


async def async_queues(store):
    """Return who holds which of the transactions' own locks."""
    return {info.resource: info.holder async for info in AsyncLockManager(store).list()}


async def test_a_run_that_goes_on_meeting_conflicts_queues(place, other):
    """Behind a lock that the package takes for itself, and gives back."""
    store, _ = meddled(place, other, 3)
    seen = []

    async def body(tx):
        seen.append(await async_queues(other))
        await async_increment(tx)

    await manager_of(store, NO_WAIT).run(body)
    assert seen[:3] == [{}] * 3
    ((resource, holder),) = seen[3].items()
    assert resource.startswith("tai_state:queue:")
    assert holder is not None
    assert await async_queues(other) == {resource: None}


async def test_a_queue_that_does_not_move_is_no_error(place, other):
    """Whoever holds it for too long, or its lock's store, fails nobody's run."""
    store, _ = meddled(place, other, 3)
    found = []

    async def body(tx):
        found.append(1)
        await async_increment(tx)

    await manager_of(store, NO_WAIT).run(body)
    (resource,) = await async_queues(other)
    _, backend = meddled(place, other, 3)
    async with await AsyncReservedLocks(other).acquire_reserved([resource], timeout=1.0, ttl=30.0):
        await manager_of(AsyncBackendStore(backend), NO_WAIT).run(body, timeout=patience(1.5))
    assert len(found) == 8
    assert await async_amounts(other, "a") == [101]


# Under one name


async def test_runs_under_one_name_go_one_after_the_other(place, other):
    """From whatever process they come: none of them meets another."""
    at_work: list[int] = []
    attempts: list[int] = []

    async def body(tx):
        attempts.append(1)
        at_work.append(1)
        assert len(at_work) == 1
        await async_increment(tx)
        await async_sleep(0.001)
        at_work.pop()

    async def run():
        await AsyncTransactionManager(place.store()).run(body, serialize="a")

    await async_together([run] * 6)
    assert len(attempts) == 6
    assert await async_amounts(other, "a") == [106]


async def test_a_governor_bound_run_takes_a_name_as_well(place, other):
    """Its lock is under a reserved name."""
    seen = []

    async def body(tx):
        seen.append(await async_queues(other))
        await tx.save_state("a", {"n": 1})

    await manager_of(place.store()).execute_transaction(BANK, body, serialize="hot")
    ((resource, holder),) = seen[0].items()
    assert resource == "tai_state:serialize:hot"
    assert holder is not None
    assert await async_queues(other) == {resource: None}


async def test_a_name_that_stays_busy_is_a_deadline(place, other):
    """Nothing was run, and the error says who was in the way."""
    runs = []

    async def body(tx):
        runs.append(1)
        await async_increment(tx)

    resource = "tai_state:serialize:hot"
    async with await AsyncReservedLocks(other).acquire_reserved([resource], timeout=1.0, ttl=30.0):
        with pytest.raises(DeadlineExceededError, match="serialize='hot'"):
            await async_together([lambda: manager_of(place.store()).run(body, serialize="hot", timeout=0.2)])
    assert runs == []


async def test_a_name_within_itself_is_a_deadlock(place, other):
    """Told at once."""
    manager = manager_of(other)

    async def body(tx):
        await manager.run(async_increment, serialize="hot")

    with pytest.raises(DeadlockError):
        await manager.run(body, serialize="hot")
    assert await async_amounts(other, "a") == [100]


@pytest.mark.parametrize("name", ["", 7, "\ud800"])
async def test_a_name_that_is_none_is_refused(other, name):
    """As ids are."""
    with pytest.raises(InvalidIdError):
        await manager_of(other).run(async_increment, serialize=name)
