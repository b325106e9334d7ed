# Generated from tests/_async/locking/test_locks_owners.py by .ci/generate_sync.py; do not edit.
"""Who waits for whom: owners are told apart whatever they are called, and waits are forgotten with their waiters."""
import pytest

from tai_state import LockManager, DeadlockError, InvalidIdError, LockTimeoutError, SystemClock, lock_owner
from tai_state._sync.locking.lock import handle_of
from tai_state._platform.tasks import sleep, together
from tai_state.layout import WAITS
from tai_state.rules.locking import deadlocks
from tai_state.rules.locking.deadlocks import Edge, Wait, wait_write
from tai_state.rules.locking.owners import Owner
from tests._sync.deaths import forget_every_lock
from tests._sync.stores import TIMEOUT
from tests.waits import patience

LONG = 60.0
monotonic = SystemClock().monotonic


@pytest.fixture(autouse=True)
def no_lock_is_left():
    """Behind each test no heartbeat goes on."""
    yield
    forget_every_lock()


def test_a_block_owns_its_locks_together(place):
    """Under its name, unless a call says another; a second block of that name is another owner."""
    locks = LockManager(place.store())
    with lock_owner("billing"):
        lock = locks.acquire("r")
        assert lock.owner == "billing"
        assert (locks.acquire("s", owner="other")).owner == "other"
        with pytest.raises(DeadlockError) as caught:
            locks.acquire("r", timeout=LONG)
        assert (caught.value.cycle, caught.value.resources) == (["billing", "billing"], ["r"])
    found = locks.inspect("r")
    assert found is not None
    assert found.holder == "billing"
    with lock_owner("billing"), pytest.raises(LockTimeoutError):
        locks.acquire("r", timeout=0)
    assert (locks.acquire("t")).owner != "billing"


@pytest.mark.parametrize("name", ["", 3, None, "n" * 481], ids=lambda one: repr(one)[:9])
def test_an_owner_has_a_name(name):
    """What cannot be an id is refused on entering."""
    with pytest.raises(InvalidIdError), lock_owner(name):
        pass


def test_the_longest_names_are_told_apart(place):
    """A name may be as long as an id may be."""
    locks = LockManager(place.store())
    with lock_owner("n" * 480):
        locks.acquire("r")
        assert locks.try_acquire("r", owner="m" * 480) is None


def held(locks, resource, owner, ready, count):
    """Hold *resource* as *owner*, from the moment at which *count* others hold theirs."""
    lock = locks.acquire(resource, owner=owner, timeout=LONG)
    ready.append(resource)
    while len(ready) < count:
        sleep(0.005)
    return lock


def test_namesakes_are_in_no_cycle(place):
    """Two workers are called alike: that one waits says nothing of the other."""
    managers = [LockManager(place.store()) for _ in range(3)]
    ready: list[str] = []

    def namesake():
        # It waits for the third one, who waits for nothing of it.
        lock = held(managers[0], "a", "billing", ready, 3)
        with lock, managers[0].hold("c", owner="billing", timeout=LONG):
            return "got c"

    def worker():
        with held(managers[1], "b", "billing", ready, 3):
            sleep(1.5)
        return "freed b"

    def third():
        lock = held(managers[2], "c", "third", ready, 3)
        with lock, managers[2].hold("b", owner="third", timeout=LONG):
            return "got b"

    assert together([namesake, worker, third]) == ["got c", "freed b", "got b"]


def test_namesakes_in_a_cycle_have_one_victim(place):
    """A real one is found, and names what each waits for."""
    managers = [LockManager(place.store()) for _ in range(2)]
    ready: list[str] = []

    def worker(at):
        def run():
            with held(managers[at], "ab"[at], "billing", ready, 2):
                try:
                    with managers[at].hold("ba"[at], owner="billing", timeout=LONG):
                        return None
                except DeadlockError as error:
                    return error.cycle, error.resources

        return run

    (found,) = [one for one in together([worker(0), worker(1)]) if one is not None]
    assert found[0] == ["billing"] * 3
    assert sorted(found[1]) == ["a", "b"]


def test_a_cycle_through_a_second_lock_is_found(place):
    """Who wants several waits for all of them, so each of their holders counts."""
    managers = [LockManager(place.store()) for _ in range(3)]
    ready: list[str] = []
    told: list[str] = []

    def bystander():
        # Holds the first of those that are wanted, and waits for nobody.
        with held(managers[0], "a", "bystander", ready, 3):
            while not told:
                sleep(0.01)

    def several():
        with held(managers[1], "c", "several", ready, 3):
            try:
                with managers[1].acquire_many(["a", "b"], owner="several", timeout=LONG):
                    return None
            except DeadlockError as error:
                told.append(str(error))
                return error.resources

    def single():
        with held(managers[2], "b", "single", ready, 3):
            try:
                with managers[2].hold("c", owner="single", timeout=LONG):
                    return None
            except DeadlockError as error:
                told.append(str(error))
                return error.resources

    began = monotonic()
    (resources,) = [one for one in together([bystander, several, single]) if one is not None]
    assert sorted(resources) == ["b", "c"]
    assert monotonic() - began < LONG / 2


def test_a_waiter_who_was_killed_convicts_the_living_for_seconds_only(place, monkeypatch):
    """Its edge stays behind, and its lock for a whole ttl; what it waited for may be waited for in vain, but waited."""
    seconds = patience(1.0)
    monkeypatch.setattr(deadlocks, "WAIT_SECONDS", seconds)
    store = place.store()
    locks = LockManager(store)
    with lock_owner("me"):
        mine = locks.acquire("mine", ttl=600)
        with lock_owner("dead"):
            dead = locks.acquire("theirs", ttl=600, heartbeat=False)
        edge = Edge.to(handle_of(mine).lease)
        owner = Owner("dead", handle_of(dead).lease.holder_id)
        # The greatest nonce of all is not its own: the victim would be the living one.
        write = wait_write(Wait(owner=owner, nonce="", edges=(edge,)), now=SystemClock().now())
        store.runtime.access.backend.commit([write], timeout=TIMEOUT)
        with pytest.raises(DeadlockError):
            locks.acquire("theirs", timeout=LONG)
        sleep(seconds + 0.1)
        with pytest.raises(LockTimeoutError):
            locks.acquire("theirs", timeout=0.5)


def test_who_wants_several_is_not_passed_over_for_ever(place):
    """Others take them one by one, again and again, so that they are hardly ever free at one moment."""
    locks = LockManager(place.store())
    done: list[str] = []

    def taker(at):
        def run():
            others = LockManager(place.store())
            while not done and len(grants) < 900:
                with others.hold("ab"[at % 2], owner=f"taker-{at}", timeout=LONG, heartbeat=False):
                    grants.append(at)
                    sleep(0.02)

        return run

    def several():
        try:
            while len(grants) < 4:
                sleep(0.005)
            with locks.acquire_many(["a", "b"], owner="several", timeout=LONG, heartbeat=False):
                done.append("several")
        finally:
            done.append("ended")

    grants: list[int] = []
    together([several, *(taker(at) for at in range(4))])
    assert done == ["several", "ended"]
    assert len(grants) < 300
    assert [one for one in locks.store.runtime.access.backend.scan(WAITS, timeout=TIMEOUT)] == []


def test_who_holds_a_lock_is_not_kept_out_by_one_who_waits_for_it_among_others(place):
    """Else they would wait for each other, and nobody could tell."""
    locks, others = LockManager(place.store()), LockManager(place.store())
    taken: list[str] = []

    def several():
        with locks.acquire_many(["a", "b"], owner="several", timeout=LONG):
            taken.append("several")

    def nested():
        with others.hold("a", owner="nested", timeout=LONG):
            sleep(0.4)
            with others.hold("b", owner="passing", timeout=LONG):
                sleep(0.8)
            # By now b is free, and reserved for the other one, who waits for a.
            with others.hold("b", owner="nested", timeout=LONG):
                taken.append("nested")

    def later():
        sleep(0.2)
        several()

    together([nested, later])
    assert taken == ["nested", "several"]
