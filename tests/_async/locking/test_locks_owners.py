"""Who waits for whom: owners are told apart whatever they are called, and waits are forgotten with their waiters."""

import pytest

from tai_state import AsyncLockManager, DeadlockError, InvalidIdError, LockTimeoutError, SystemClock, lock_owner
from tai_state._async.locking.lock import async_handle_of
from tai_state._platform.tasks import async_sleep, async_together
from tai_state.layout import WAITS
from tai_state.rules.locking import deadlocks
from tai_state.rules.locking.deadlocks import Edge, Wait, wait_write
from tai_state.rules.locking.owners import Owner
from tests._async.deaths import forget_every_lock
from tests._async.stores import TIMEOUT
from tests.waits import patience

LONG = 60.0
monotonic = SystemClock().monotonic


@pytest.fixture(autouse=True)
async def no_lock_is_left():
    """Behind each test no heartbeat goes on."""
    yield
    forget_every_lock()


async def test_a_block_owns_its_locks_together(place):
    """Under its name, unless a call says another; a second block of that name is another owner."""
    locks = AsyncLockManager(place.store())
    with lock_owner("billing"):
        lock = await locks.acquire("r")
        assert lock.owner == "billing"
        assert (await locks.acquire("s", owner="other")).owner == "other"
        with pytest.raises(DeadlockError) as caught:
            await locks.acquire("r", timeout=LONG)
        assert (caught.value.cycle, caught.value.resources) == (["billing", "billing"], ["r"])
    found = await locks.inspect("r")
    assert found is not None
    assert found.holder == "billing"
    with lock_owner("billing"), pytest.raises(LockTimeoutError):
        await locks.acquire("r", timeout=0)
    assert (await locks.acquire("t")).owner != "billing"


@pytest.mark.parametrize("name", ["", 3, None, "n" * 481], ids=lambda one: repr(one)[:9])
def test_an_owner_has_a_name(name):
    """What cannot be an id is refused on entering."""
    with pytest.raises(InvalidIdError), lock_owner(name):
        pass


async def test_the_longest_names_are_told_apart(place):
    """A name may be as long as an id may be."""
    locks = AsyncLockManager(place.store())
    with lock_owner("n" * 480):
        await locks.acquire("r")
        assert await locks.try_acquire("r", owner="m" * 480) is None


async def async_held(locks, resource, owner, ready, count):
    """Hold *resource* as *owner*, from the moment at which *count* others hold theirs."""
    lock = await locks.acquire(resource, owner=owner, timeout=LONG)
    ready.append(resource)
    while len(ready) < count:
        await async_sleep(0.005)
    return lock


async def test_namesakes_are_in_no_cycle(place):
    """Two workers are called alike: that one waits says nothing of the other."""
    managers = [AsyncLockManager(place.store()) for _ in range(3)]
    ready: list[str] = []

    async def namesake():
        # It waits for the third one, who waits for nothing of it.
        lock = await async_held(managers[0], "a", "billing", ready, 3)
        async with lock, managers[0].hold("c", owner="billing", timeout=LONG):
            return "got c"

    async def worker():
        async with await async_held(managers[1], "b", "billing", ready, 3):
            await async_sleep(1.5)
        return "freed b"

    async def third():
        lock = await async_held(managers[2], "c", "third", ready, 3)
        async with lock, managers[2].hold("b", owner="third", timeout=LONG):
            return "got b"

    assert await async_together([namesake, worker, third]) == ["got c", "freed b", "got b"]


async def test_namesakes_in_a_cycle_have_one_victim(place):
    """A real one is found, and names what each waits for."""
    managers = [AsyncLockManager(place.store()) for _ in range(2)]
    ready: list[str] = []

    def worker(at):
        async def run():
            async with await async_held(managers[at], "ab"[at], "billing", ready, 2):
                try:
                    async with managers[at].hold("ba"[at], owner="billing", timeout=LONG):
                        return None
                except DeadlockError as error:
                    return error.cycle, error.resources

        return run

    (found,) = [one for one in await async_together([worker(0), worker(1)]) if one is not None]
    assert found[0] == ["billing"] * 3
    assert sorted(found[1]) == ["a", "b"]


async def test_a_cycle_through_a_second_lock_is_found(place):
    """Who wants several waits for all of them, so each of their holders counts."""
    managers = [AsyncLockManager(place.store()) for _ in range(3)]
    ready: list[str] = []
    told: list[str] = []

    async def bystander():
        # Holds the first of those that are wanted, and waits for nobody.
        async with await async_held(managers[0], "a", "bystander", ready, 3):
            while not told:
                await async_sleep(0.01)

    async def several():
        async with await async_held(managers[1], "c", "several", ready, 3):
            try:
                async with await managers[1].acquire_many(["a", "b"], owner="several", timeout=LONG):
                    return None
            except DeadlockError as error:
                told.append(str(error))
                return error.resources

    async def single():
        async with await async_held(managers[2], "b", "single", ready, 3):
            try:
                async with managers[2].hold("c", owner="single", timeout=LONG):
                    return None
            except DeadlockError as error:
                told.append(str(error))
                return error.resources

    began = monotonic()
    (resources,) = [one for one in await async_together([bystander, several, single]) if one is not None]
    assert sorted(resources) == ["b", "c"]
    assert monotonic() - began < LONG / 2


async def test_a_waiter_who_was_killed_convicts_the_living_for_seconds_only(place, monkeypatch):
    """Its edge stays behind, and its lock for a whole ttl; what it waited for may be waited for in vain, but waited."""
    seconds = patience(1.0)
    monkeypatch.setattr(deadlocks, "WAIT_SECONDS", seconds)
    store = place.store()
    locks = AsyncLockManager(store)
    with lock_owner("me"):
        mine = await locks.acquire("mine", ttl=600)
        with lock_owner("dead"):
            dead = await locks.acquire("theirs", ttl=600, heartbeat=False)
        edge = Edge.to(async_handle_of(mine).lease)
        owner = Owner("dead", async_handle_of(dead).lease.holder_id)
        # The greatest nonce of all is not its own: the victim would be the living one.
        write = wait_write(Wait(owner=owner, nonce="", edges=(edge,)), now=SystemClock().now())
        await store.runtime.access.backend.commit([write], timeout=TIMEOUT)
        with pytest.raises(DeadlockError):
            await locks.acquire("theirs", timeout=LONG)
        await async_sleep(seconds + 0.1)
        with pytest.raises(LockTimeoutError):
            await locks.acquire("theirs", timeout=0.5)


async def test_who_wants_several_is_not_passed_over_for_ever(place):
    """Others take them one by one, again and again, so that they are hardly ever free at one moment."""
    locks = AsyncLockManager(place.store())
    done: list[str] = []

    def taker(at):
        async def run():
            others = AsyncLockManager(place.store())
            while not done and len(grants) < 900:
                async with others.hold("ab"[at % 2], owner=f"taker-{at}", timeout=LONG, heartbeat=False):
                    grants.append(at)
                    await async_sleep(0.02)

        return run

    async def several():
        try:
            while len(grants) < 4:
                await async_sleep(0.005)
            async with await locks.acquire_many(["a", "b"], owner="several", timeout=LONG, heartbeat=False):
                done.append("several")
        finally:
            done.append("ended")

    grants: list[int] = []
    await async_together([several, *(taker(at) for at in range(4))])
    assert done == ["several", "ended"]
    assert len(grants) < 300
    assert [one async for one in locks.store.runtime.access.backend.scan(WAITS, timeout=TIMEOUT)] == []


async def test_who_holds_a_lock_is_not_kept_out_by_one_who_waits_for_it_among_others(place):
    """Else they would wait for each other, and nobody could tell."""
    locks, others = AsyncLockManager(place.store()), AsyncLockManager(place.store())
    taken: list[str] = []

    async def several():
        async with await locks.acquire_many(["a", "b"], owner="several", timeout=LONG):
            taken.append("several")

    async def nested():
        async with others.hold("a", owner="nested", timeout=LONG):
            await async_sleep(0.4)
            async with others.hold("b", owner="passing", timeout=LONG):
                await async_sleep(0.8)
            # By now b is free, and reserved for the other one, who waits for a.
            async with others.hold("b", owner="nested", timeout=LONG):
                taken.append("nested")

    async def later():
        await async_sleep(0.2)
        await several()

    await async_together([nested, later])
    assert taken == ["nested", "several"]
