"""Locks and whatever interrupts their holders: cancellation, Ctrl-C, other event loops, and very many turns."""

import asyncio
import threading

import pytest

from tai_state import (
    AsyncBackendStore,
    AsyncLockManager,
    AsyncMemoryStore,
    AsyncSqliteStore,
    BackendStore,
    LockConfig,
    LockManager,
    LockTimeoutError,
    MemoryStore,
    SqliteStore,
    SystemClock,
    lock_owner,
)
from tai_state._async.locking.lock import async_handle_of
from tests._async.deaths import forget_every_lock as async_forget_every_lock
from tests._async.stores import AsyncWrappedBackend
from tests._sync.deaths import forget_every_lock
from tests._sync.stores import WrappedBackend
from tests.integration.locking.heartbeats import heartbeats
from tests.waits import eventually

LONG = 60.0
monotonic = SystemClock().monotonic


@pytest.fixture(autouse=True)
def no_lock_is_left():
    """Behind each test no heartbeat goes on."""
    yield
    async_forget_every_lock()
    forget_every_lock()


class GatedBackend(AsyncWrappedBackend):
    """Holds each commit at a gate, before or behind its application, once it is told to."""

    def __init__(self, inner, *, behind=False):
        super().__init__(inner)
        self.behind = behind
        self.arrived = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    def shut(self):
        self.arrived.clear()
        self.gate.clear()

    async def _pass(self):
        if not self.gate.is_set():
            self.arrived.set()
            await self.gate.wait()

    async def commit(self, writes, *, timeout):
        if self.behind:
            result = await super().commit(writes, timeout=timeout)
            await self._pass()
            return result
        await self._pass()
        return await super().commit(writes, timeout=timeout)


@pytest.fixture(params=[False, True], ids=["request under way", "reply under way"])
async def gated(request):
    """A lock manager whose commits can be held up; other managers of ``store`` are not."""
    backend = GatedBackend(AsyncMemoryStore().runtime.access.backend, behind=request.param)
    return AsyncLockManager(AsyncBackendStore(backend)), backend, AsyncLockManager(AsyncBackendStore(backend.inner))


async def cancel_at_gate(backend, call):
    """Cancel *call* while its commit is held up, twice, and then open the gate."""
    backend.shut()
    task = asyncio.create_task(call)
    await asyncio.wait_for(backend.arrived.wait(), LONG)
    for _ in range(2):
        task.cancel()
        await asyncio.sleep(0.01)
    assert not task.done(), "what was sent is followed to its end"
    backend.gate.set()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, LONG)


async def seen(locks, resource="r"):
    found = await locks.inspect(resource)
    assert found is not None
    return found


async def test_a_caller_who_is_cancelled_while_it_acquires_holds_nothing(gated):
    """What was granted meanwhile is released again, and its heartbeat never began."""
    locks, backend, others = gated
    await cancel_at_gate(backend, locks.acquire("r", owner="a"))
    assert not (await seen(others)).held
    assert locks.store.runtime.locks.held() == []
    assert (await others.acquire("r", owner="b", timeout=0)).fencing_token == 2


async def test_a_caller_who_is_cancelled_while_it_acquires_many_holds_none(gated):
    """Not one of them."""
    locks, backend, others = gated
    await cancel_at_gate(backend, locks.acquire_many(["a", "b", "c"], owner="a"))
    assert [one.held async for one in others.list()] == [False] * 3


async def test_a_renewal_that_is_cancelled_has_happened(gated):
    """The lock goes on, and knows its lease."""
    locks, backend, _ = gated
    lock = await locks.acquire("r", owner="a", heartbeat=False)
    await cancel_at_gate(backend, lock.renew())
    assert (lock.held, async_handle_of(lock).lease.renewals) == (True, 1)
    await lock.renew()
    await lock.release()


async def test_a_release_that_is_cancelled_has_happened(gated):
    """Nobody waits for the ttl."""
    locks, backend, others = gated
    lock = await locks.acquire("r", owner="a")
    await cancel_at_gate(backend, lock.release())
    assert not lock.held
    assert not (await seen(others)).held


async def test_a_set_whose_release_is_cancelled_is_released_whole(gated):
    """Not only the lock that was at it."""
    locks, backend, others = gated
    many = await locks.acquire_many(["a", "b", "c"], owner="a")
    await cancel_at_gate(backend, many.release())
    assert [one.held async for one in others.list()] == [False] * 3


async def test_a_body_that_is_cancelled_releases():
    """The cancellation goes on."""
    locks = AsyncLockManager(AsyncMemoryStore())
    inside = asyncio.Event()

    async def body():
        async with locks.hold("r"):
            inside.set()
            await asyncio.sleep(LONG)

    task = asyncio.create_task(body())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not (await seen(locks)).held


@pytest.mark.parametrize("place", ["first in line", "behind others"])
async def test_a_waiter_who_is_cancelled_lets_the_others_forward(place):
    """It leaves the line, wherever it stood."""
    store = AsyncMemoryStore()
    locks = AsyncLockManager(store)
    lock = await locks.acquire("r", owner="a")
    waiters = [asyncio.create_task(locks.acquire("r", owner=name, timeout=LONG)) for name in ("b", "c", "d")]
    await asyncio.sleep(0.1)
    victim = waiters.pop(0 if place == "first in line" else 1)
    victim.cancel()
    with pytest.raises(asyncio.CancelledError):
        await victim
    await lock.release()
    for waiter in waiters:
        await (await asyncio.wait_for(waiter, LONG)).release()
    assert store.runtime.locks.lines.is_empty(("r",))


async def test_a_waiter_who_is_cancelled_in_a_cycle_leaves_no_edge():
    """Nobody is taken for a waiter who waits no more."""
    store = AsyncMemoryStore()
    locks = AsyncLockManager(store)
    await locks.acquire("theirs", owner="b")
    with lock_owner("a"):
        await locks.acquire("mine")
        waiter = asyncio.create_task(locks.acquire("theirs", timeout=LONG))
    while not [one async for one in store.runtime.access.backend.scan("waits", timeout=LONG)]:  # noqa: ASYNC110 - no event
        await asyncio.sleep(0.01)
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    assert [one async for one in store.runtime.access.backend.scan("waits", timeout=LONG)] == []


async def test_a_heartbeat_that_is_under_way_ends_with_the_release(gated):
    """Neither of them hurts the other."""
    _, backend, others = gated
    locks = AsyncLockManager(AsyncBackendStore(backend), LockConfig(ttl=3.0, retry_period=0.1))
    lock = await locks.acquire("r", owner="a")
    backend.shut()
    await asyncio.wait_for(backend.arrived.wait(), LONG)
    release = asyncio.create_task(lock.release())
    await asyncio.sleep(0.05)
    backend.gate.set()
    await asyncio.wait_for(release, LONG)
    assert not (await seen(others)).held
    assert not lock.lost


# Other event loops


def test_a_lock_may_be_used_on_another_loop(tmp_path):
    """It was acquired on one that has ended since."""
    store = AsyncSqliteStore(tmp_path / "store.db")
    locks = AsyncLockManager(store)
    lock = asyncio.run(locks.acquire("r", owner="a"))

    async def go_on():
        await lock.renew()
        await lock.release()
        await (await locks.acquire("r", owner="b", timeout=0)).release()
        await store.close()

    asyncio.run(go_on())


def test_a_lock_may_be_used_on_two_loops_at_once():
    """Renewals and releases take turns, whoever asks; the heartbeat ends on its own loop."""
    locks = AsyncLockManager(AsyncMemoryStore())
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        lock = asyncio.run_coroutine_threadsafe(locks.acquire("r", owner="a"), loop).result(LONG)

        async def renew():
            for _ in range(50):
                await lock.renew()

        there = asyncio.run_coroutine_threadsafe(renew(), loop)
        asyncio.run(renew())
        there.result(LONG)
        assert async_handle_of(lock).lease.renewals == 100
        asyncio.run(lock.release())
        assert asyncio.run_coroutine_threadsafe(tasks_of_locks(), loop).result(LONG) == []
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(LONG)
        loop.close()


async def tasks_of_locks():
    await asyncio.sleep(0.05)
    return [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("tai-lock")]


# Ctrl-C, which strikes anywhere


class InterruptedBackend(WrappedBackend):
    """Raises KeyboardInterrupt before or behind the next commit, once it is told to."""

    def __init__(self, inner):
        super().__init__(inner)
        self.strikes = ""

    def commit(self, writes, *, timeout):
        strikes, self.strikes = self.strikes, ""
        if strikes == "before":
            raise KeyboardInterrupt
        result = super().commit(writes, timeout=timeout)
        if strikes == "behind":
            raise KeyboardInterrupt
        return result


@pytest.fixture
def interrupted():
    """A lock manager whose commits are interrupted on request."""
    backend = InterruptedBackend(MemoryStore().runtime.access.backend)
    return LockManager(BackendStore(backend)), backend


@pytest.mark.parametrize("moment", ["before", "behind"])
def test_a_caller_who_is_interrupted_while_it_acquires_holds_nothing(interrupted, moment):
    """Though the commit was applied."""
    locks, backend = interrupted
    backend.strikes = moment
    before = heartbeats()
    with pytest.raises(KeyboardInterrupt):
        locks.acquire("r", owner="a")
    assert heartbeats() <= before
    locks.acquire("r", owner="b", timeout=0).release()


@pytest.mark.parametrize("moment", ["before", "behind"])
def test_a_release_that_is_interrupted_can_be_repeated(interrupted, moment):
    """The lock has not forgotten what it is."""
    locks, backend = interrupted
    lock = locks.acquire("r", owner="a")
    backend.strikes = moment
    with pytest.raises(KeyboardInterrupt):
        lock.release()
    lock.release()
    assert not lock.held
    locks.acquire("r", owner="b", timeout=0).release()


def test_a_body_that_is_interrupted_releases(interrupted):
    """The interrupt goes on."""
    locks, _ = interrupted

    def body():
        with locks.hold("r"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        body()
    found = locks.inspect("r")
    assert found is not None
    assert not found.held


# A thousand turns, or some of them

TURNS = (150, 1_000)
VAIN_WAITS = 10


def documents_of(store):
    backend = store.runtime.access.backend
    return [str(one.path) for name in ("locks", "waits", "audit") for one in backend.scan(name, timeout=LONG)]


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_many_turns_leak_no_thread_and_no_document(kind, tmp_path, scale):
    """With heartbeats, and from time to time with somebody who waits in vain."""
    store = MemoryStore() if kind == "memory" else SqliteStore(tmp_path / "store.db", synchronous="NORMAL")
    locks = LockManager(store)
    locks.acquire("r").release()
    before = set(threading.enumerate())
    turns = scale(*TURNS)
    for turn in range(turns):
        with locks.hold("r", owner="a"):
            if turn % (turns // VAIN_WAITS) == 0:
                with pytest.raises(LockTimeoutError):
                    locks.acquire("r", owner="b", timeout=0.01)
    # Those of other tests may still be ending; those of this one end when the last lock is free.
    assert eventually(lambda: not set(threading.enumerate()) - before)
    assert documents_of(store) == ["locks/r"]
    assert store.runtime.locks.held() == []
    store.close()


class WatchedBackend(AsyncWrappedBackend):
    """Counts its watches."""

    opened = 0
    open = 0

    async def watch(self, path, *, timeout):
        self.opened += 1
        self.open += 1
        try:
            async for _ in self.inner.watch(path, timeout=timeout):
                yield
        finally:
            self.open -= 1


async def async_wait_in_vain(locks, backend):
    """Wait for `r`, held by another, long enough to have watched it once."""
    opened, timeout = backend.opened, 0.05
    while backend.opened == opened:
        with pytest.raises(LockTimeoutError):
            await locks.acquire("r", owner="b", timeout=timeout)
        timeout *= 2


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_many_turns_leak_no_task_and_no_watch(kind, tmp_path, scale):
    """As no thread and no document; who waits in vain does so until it watched, however busy the machine is."""
    store = AsyncMemoryStore() if kind == "memory" else AsyncSqliteStore(tmp_path / "store.db", synchronous="NORMAL")
    backend = WatchedBackend(store.runtime.access.backend)
    locks = AsyncLockManager(AsyncBackendStore(backend))
    turns = scale(*TURNS)
    for turn in range(turns):
        async with locks.hold("r", owner="a"):
            if turn % (turns // VAIN_WAITS) == 0:
                await async_wait_in_vain(locks, backend)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert backend.opened >= VAIN_WAITS
    assert backend.open == 0
    assert [str(one.path) async for one in backend.scan("waits", timeout=LONG)] == []
    await store.close()
