"""The pitfalls of atomic persistence that docs/pitfalls.md lists, as far as they are of time, locks and trying again.

Those of what is read and written: test_pitfalls.py.
"""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

import pytest

from tai_state import (
    AsyncBackendStore,
    AsyncLockManager,
    AsyncStateMachinePersister,
    DeadlineExceededError,
    DeadlockError,
    HistoryPolicy,
    LockConfig,
    LockError,
    OutcomeUnknownError,
    PersistenceConfig,
    RetriesExhaustedError,
    RetryPolicy,
    StoreUnavailableError,
    async_verify,
)
from tai_state._platform.tasks import async_sleep, async_together
from tai_state.documents import DocumentPath, Write
from tai_state.errors import CommitAmbiguousError
from tai_state.keys import AsyncKeys
from tests._async.accounts import BANK, async_amount, async_amounts, async_open_accounts, async_transfer, manager_of
from tests._async.commits.test_coalescing import async_at_once, async_held
from tests._async.deaths import forget_every_lock
from tests._async.machines import COUNTER
from tests._async.stores import (
    NO_WAIT,
    AsyncCountingBackend,
    AsyncUnreachableBackend,
    AsyncWrappedBackend,
    async_contents,
)
from tests.waits import patience

WAIT = 60.0


class Undone(Exception):  # noqa: N818 - a body's own reason to give up
    pass


@pytest.fixture(autouse=True)
async def no_lock_is_left():
    """Behind each test no heartbeat goes on."""
    yield
    forget_every_lock()


async def async_started(store, config=None):
    """Return a persister with a state at version 1."""
    persister = AsyncStateMachinePersister(store, COUNTER, config)
    await persister.start("g", "s", {"n": 0})
    return persister


async def test_no_lock_is_a_phantom(place):
    """One whose holder is gone is free when its lease ends; whoever comes back late writes nothing under it."""
    gone, other = place.store(), place.store()
    persister = await async_started(gone)
    lock = await AsyncLockManager(gone, LockConfig(ttl=0.3)).acquire("r", owner="gone", heartbeat=False)
    taken = await AsyncLockManager(other).acquire("r", owner="other", timeout=WAIT)
    assert taken.fencing_token == lock.fencing_token + 1
    with pytest.raises(LockError):
        await persister.transition("g", "s", "add", 1, lock=lock)
    assert (await other.get_state("g", "s"))[1] == 1
    await taken.release()
    with pytest.raises(Undone):
        async with AsyncLockManager(gone).hold("r", owner="gone"):
            raise Undone
    await (await AsyncLockManager(other).acquire("r", owner="other", timeout=0)).release()


async def test_no_deadlock_lasts(place):
    """Of two who wait for each other's lock one is told so, and the other one goes on."""
    managers = {name: AsyncLockManager(place.store()) for name in ("a", "b")}
    held: list[str] = []

    async def crosses(mine, others):
        locks = managers[mine]
        async with locks.hold(mine, owner=mine):
            held.append(mine)
            while len(held) < 2:
                await async_sleep(0.01)
            try:
                async with locks.hold(others, owner=mine, timeout=WAIT):
                    return "had both"
            except DeadlockError as error:
                return sorted(set(error.cycle))

    outcomes = await async_together([partial(crosses, "a", "b"), partial(crosses, "b", "a")])
    assert sorted(outcomes, key=str) == [["a", "b"], "had both"]


async def test_transactions_in_opposite_orders_wait_for_nobody(place):
    """They lock nothing: the inner one commits while the outer one has read and written both."""
    store, other = place.store(), place.store()
    await async_open_accounts(store, a=100, b=100)
    inner = ["once"]

    async def there(tx):
        await async_transfer(tx, "a", "b", 10)
        while inner:
            inner.pop()
            await manager_of(other).run(lambda another: async_transfer(another, "b", "a", 1), timeout=10)

    await manager_of(store).run(there)
    assert await async_amounts(other, "a", "b") == [91, 109]


FOUR_TIMES = RetryPolicy(attempts=4, wait_initial=0.0, wait_max=0.0)

CALLS = {
    "change": lambda store: store.save_state(BANK, "a", {"n": 1}),
    "move": lambda store: AsyncStateMachinePersister(store, COUNTER).transition("g", "s", "add", 1),
    "transaction": lambda store: manager_of(store, FOUR_TIMES).run(lambda tx: async_transfer(tx, "a", "b", 1)),
    "key": lambda store: AsyncKeys(store, "k").increment("n"),
    "lock": lambda store: AsyncLockManager(store).acquire("r", timeout=WAIT),
}


class AsyncCountingUnreachableBackend(AsyncUnreachableBackend):
    """Counts what is asked of it in vain."""

    asked = 0

    async def get_many(self, paths, *, timeout, consistent=True, at=None):
        self.asked += self.is_cut
        return await super().get_many(paths, timeout=timeout, consistent=consistent, at=at)

    async def commit(self, writes, *, timeout):
        self.asked += self.is_cut
        return await super().commit(writes, timeout=timeout)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_no_retry_is_a_storm(place, call):
    """A store that does not answer is asked as often as the policy says, whatever there is of layers above it."""
    backend = AsyncCountingUnreachableBackend(place.store().runtime.access.backend)
    store = AsyncBackendStore(backend, retry=FOUR_TIMES, actor="tester")
    await async_open_accounts(store, a=100, b=100)
    await async_started(store)
    backend.is_cut = True
    with pytest.raises(RetriesExhaustedError):
        await call(store)
    assert backend.asked == 4


async def test_a_crowd_at_one_state_is_no_storm(place):
    """Those of one process who wait go together: a few commits, and each has its own result."""
    persister, backend = await async_held(place)
    results = await async_at_once(backend, [partial(persister.transition, "g", "s", "add", 1)] * 50)
    assert sorted(result.version for result in results) == list(range(2, 52))
    assert len(backend.sizes) <= 3


@pytest.mark.parametrize("fault", ["reply lost", "request lost"])
async def test_every_retry_is_idempotent(place, fault):
    """What is sent again is the identical commit; and what a caller asks again, under its key, is made once."""
    await async_started(place.store())
    store, _ = place.faulty(fault)
    moved = await AsyncStateMachinePersister(store, COUNTER).transition("g", "s", "add", 5, idempotency_key="k")
    again = await AsyncStateMachinePersister(place.store(), COUNTER).transition("g", "s", "add", 5, idempotency_key="k")
    assert (moved.version, moved.replayed) == (2, False)
    assert (again.version, again.replayed) == (2, True)
    snapshot, version = await place.store().get_state("g", "s")
    assert (snapshot.data["n"], version) == (5, 2)


async def test_a_history_need_not_grow(place):
    """Where it is bounded the documents are as many after 90 moves as after 45, and reading costs the same."""
    bounded = PersistenceConfig(
        snapshot_interval=10, snapshot_retention=2, segment_events=10, history=HistoryPolicy(max_events=10)
    )
    store, backend = place.counting(receipt_ttl=timedelta(days=1))
    persister = await async_started(store, bounded)
    sizes, costs = [], []
    for _ in range(2):
        for _ in range(45):
            await persister.transition("g", "s", "add", 1)
        await persister.gc("g")
        sizes.append(len(await async_contents(store)))
        backend.taken()
        await AsyncStateMachinePersister(AsyncBackendStore(backend), COUNTER).replay("g", "s")
        costs.append(len(backend.taken()))
    assert sizes[1] <= sizes[0] + 10
    assert costs[1] <= costs[0]
    assert (await store.get_state("g", "s"))[1] == 91
    assert [one async for report in async_verify(store) for one in report.problems] == []


class AsyncTimedBackend(AsyncCountingBackend):
    """Notes how long each call may take."""

    def __init__(self, inner) -> None:
        super().__init__(inner)
        self.times: list[float] = []

    async def get_many(
        self, paths: Sequence[DocumentPath], *, timeout: float, consistent: bool = True, at: datetime | None = None
    ):
        self.times.append(timeout)
        return await super().get_many(paths, timeout=timeout, consistent=consistent, at=at)

    def scan(self, collection, *, start=None, stop=None, limit=None, timeout):
        self.times.append(timeout)
        return super().scan(collection, start=start, stop=stop, limit=limit, timeout=timeout)

    def scan_ids(self, collection, *, start=None, limit=None, timeout):
        self.times.append(timeout)
        return super().scan_ids(collection, start=start, limit=limit, timeout=timeout)

    def query(self, query, *, limit=None, timeout):
        self.times.append(timeout)
        return super().query(query, limit=limit, timeout=timeout)

    async def commit(self, writes: Sequence[Write], *, timeout: float):
        self.times.append(timeout)
        return await super().commit(writes, timeout=timeout)


async def async_reads(store):
    """Read in every way there is."""
    persister = AsyncStateMachinePersister(store, COUNTER)
    assert [one async for one in store.list_governors()]
    assert [one async for one in store.list_states("g")]
    assert [one async for one in persister.history("g", "s")]
    assert [one async for one in store.find(status="open")]
    assert (await persister.validate_consistency("g")).problems == []
    await persister.gc("g")
    await persister.recover("g")


async def test_no_timeout_is_missing(place):
    """No call reaches the engine without one, though nobody gives any, and none longer than the policy's."""
    backend = AsyncTimedBackend(place.store().runtime.access.backend)
    store = AsyncBackendStore(backend, actor="tester", retry=RetryPolicy(attempt_timeout=7.0))
    await async_open_accounts(store, a=100, b=100)
    await async_started(store)
    for call in CALLS.values():
        await call(store)
    await manager_of(store).run(lambda tx: async_amount(tx, "a"), read_only=True)
    await async_reads(store)
    assert len(backend.times) > 20
    assert all(0 < seconds <= 7 for seconds in backend.times)


class AsyncSilentBackend(AsyncWrappedBackend):
    """Never answers, once it is silent: who calls it hears that when his time is over."""

    is_silent = False

    async def get_many(self, paths, *, timeout, consistent=True, at=None):
        if self.is_silent:
            await async_sleep(timeout)
            raise StoreUnavailableError("no answer")
        return await super().get_many(paths, timeout=timeout, consistent=consistent, at=at)

    async def commit(self, writes, *, timeout):
        if self.is_silent:
            await async_sleep(timeout)
            raise CommitAmbiguousError("no answer")
        return await super().commit(writes, timeout=timeout)


async def test_who_hears_nothing_does_not_wait_for_ever(place):
    """The call ends when its own time is over, and says whether something may have been written."""
    backend = AsyncSilentBackend(place.store().runtime.access.backend)
    store = AsyncBackendStore(backend, actor="tester", retry=NO_WAIT)
    persister = await async_started(store)
    backend.is_silent, began = True, time.monotonic()
    with pytest.raises(OutcomeUnknownError):
        await persister.transition("g", "s", "add", 1, timeout=0.2)
    with pytest.raises(DeadlineExceededError):
        await store.get_state("g", "s", timeout=0.2)
    assert time.monotonic() - began < patience(3)
