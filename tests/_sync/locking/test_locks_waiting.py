# Generated from tests/_async/locking/test_locks_waiting.py by .ci/generate_sync.py; do not edit.
"""Waiting for a lock: who is woken, who is next, and who gives up in a cycle."""
import pytest

from tai_state import (
    BackendStore,
    LockManager,
    SqliteStore,
    StateMachinePersister,
    DeadlockError,
    LockConfig,
    LockTimeoutError,
    StoreUnavailableError,
    SystemClock,
)
from tai_state._sync.locking import deadlocks, waiting
from tai_state._platform.tasks import sleep, together
from tai_state.documents import Put
from tai_state.layout import WAITS
from tai_state.rules.locking.reservations import reservation_path
from tests._sync.deaths import forget_every_lock
from tests._sync.machines import COUNTER
from tests._sync.stores import TIMEOUT, WrappedBackend, find
from tests.waits import POLL_SECONDS, SECONDS_MAX, patience

LONG = 60.0
UNFAIR = 3
WAKING = 0.05
PAST_EVERY_WAIT = 1000.0
"""So long that nobody who waits is helped by the end of a lease, or by looking for himself."""

monotonic = SystemClock().monotonic


@pytest.fixture(autouse=True)
def no_lock_is_left():
    """Behind each test no heartbeat goes on."""
    yield
    forget_every_lock()


def wait_ids(store):
    """Return the ids of the documents that waiters have left."""
    return [document.path.id for document in store.runtime.access.backend.scan(WAITS, timeout=TIMEOUT)]


class WatchedBackend(WrappedBackend):
    """Counts the watches that are open; its watches may fail."""

    def __init__(self, inner):
        super().__init__(inner)
        self.opened = 0
        self.open = 0
        self.fails = False

    def watch(self, path, *, timeout):
        self.opened += 1
        self.open += 1
        try:
            for _ in self.inner.watch(path, timeout=timeout):
                yield
                if self.fails:
                    raise StoreUnavailableError("the watch broke")
        finally:
            self.open -= 1


def handed_over(place, backend, hold_seconds=0.4, waits=lambda: True):
    """Return how long behind a release a waiter got the lock, whose lease would have lasted for long.

    It is held for a while, and until the waiter *waits*.
    """
    locks, others = LockManager(place.store()), LockManager(BackendStore(backend))
    lock = locks.acquire("r", owner="a", ttl=PAST_EVERY_WAIT)
    moments = {}

    def release():
        sleep(hold_seconds)
        ends = monotonic() + SECONDS_MAX
        while not waits() and monotonic() < ends:
            sleep(POLL_SECONDS)
        moments["released"] = monotonic()
        lock.release()

    def wait():
        with others.hold("r", owner="b", timeout=LONG):
            moments["taken"] = monotonic()

    together([release, wait])
    return moments["taken"] - moments["released"]


def test_a_waiter_is_woken_by_a_release(place, monkeypatch):
    """Long before it would have looked for itself; no watch stays open."""
    monkeypatch.setattr(waiting, "LOOK_SECONDS_MAX", PAST_EVERY_WAIT)
    backend = WatchedBackend(place.store().runtime.access.backend)
    assert handed_over(place, backend, waits=lambda: backend.opened) < patience(5.0)
    assert backend.opened >= 1
    assert backend.open == 0


def test_one_watch_serves_a_wait(place, monkeypatch):
    """However often the holder renews meanwhile."""
    monkeypatch.setattr(waiting, "LOOK_SECONDS_MAX", PAST_EVERY_WAIT)
    backend = WatchedBackend(place.store().runtime.access.backend)
    locks = LockManager(place.store(), LockConfig(ttl=3.0, retry_period=0.1))
    others = LockManager(BackendStore(backend))
    with locks.hold("r", owner="a") as lock:
        for _ in range(3):
            lock.renew()
        with pytest.raises(LockTimeoutError):
            others.acquire("r", owner="b", timeout=1.0)
    assert backend.opened <= 2
    assert backend.open == 0


def test_a_watch_that_breaks_is_replaced_by_looking(place):
    """Nobody waits for ever for a wake-up."""
    backend = WatchedBackend(place.store().runtime.access.backend)
    backend.fails = True
    assert handed_over(place, backend) < patience(5.0)
    assert (backend.opened, backend.open) == (1, 0)


def test_a_backend_without_watch_is_looked_at(place):
    """A few times a second."""
    backend = WatchedBackend(place.store().runtime.access.backend)
    backend.capabilities = frozenset()
    assert handed_over(place, backend) < patience(5.0)
    assert backend.opened == 0


def test_a_waiter_gives_up_in_time(place):
    """At its deadline, not long behind it, and leaves nothing."""
    store = place.store()
    LockManager(store).acquire("r", owner="a", heartbeat=False)
    began = monotonic()
    with pytest.raises(LockTimeoutError):
        LockManager(place.store()).acquire("r", owner="b", timeout=0.5)
    assert 0.5 <= monotonic() - began < patience(5.0)
    assert wait_ids(store) == []
    assert store.runtime.locks.lines.is_empty(("r",))


def turn_seconds(locks, resource):
    """Return the longest of some turns with a lock that nobody else wants: how busy the machine is."""
    longest = 0.0
    for _ in range(5):
        began = monotonic()
        with locks.hold(resource, timeout=LONG, heartbeat=False):
            pass
        longest = max(longest, monotonic() - began)
    return longest


def test_a_dead_holder_blocks_for_its_ttl_and_a_retry_period(place):
    """At most; beside the time of a few turns with a free lock, and that in which a busy machine wakes anybody."""
    config = LockConfig(ttl=1.5, retry_period=0.1)
    others = LockManager(place.store(), config)
    busy = turn_seconds(others, "free")
    dead = LockManager(place.store(), config).acquire("r", owner="a", heartbeat=False)
    began = monotonic()
    lock = others.acquire("r", owner="b", timeout=LONG)
    took = monotonic() - began
    busy = max(busy, turn_seconds(others, "free"))
    assert lock.fencing_token == dead.fencing_token + 1
    assert took < 1.5 + 0.1 + 4 * busy + patience(WAKING) - WAKING


def steady(managers, rounds, hold_seconds=0.005):
    """Let each of the managers take the lock again and again; return how many turns of others each of its waits took.

    Turns are counted, not seconds: they are the same on any machine.
    """
    turns: list[int] = []
    waits: list[int] = []

    def waiter(at, locks):
        def run():
            for _ in range(rounds):
                before = len(turns)
                with locks.hold("r", timeout=LONG):
                    waits.append(len(turns) - before)
                    turns.append(at)
                    sleep(hold_seconds)

        return run

    together([waiter(at, locks) for at, locks in enumerate(managers)])
    return waits


def unfairness(managers):
    """Return the longest wait by the mean one, the first and the last rounds left out.

    Of up to three times the fairest, of more on a busy machine: where that paused in one wait it will not in each, and
    who is passed over is so every time.
    """
    fairest = float("inf")
    for _ in range(round(patience(3))):
        counted = (steady(managers, rounds=8))[len(managers) : -len(managers)]
        fairest = min(fairest, max(counted) / (sum(counted) / len(counted)))
        if fairest < UNFAIR:
            break
    return fairest


def test_steady_waiters_of_one_process_are_served_in_turn(place):
    """None of eight waits longer than three times the mean."""
    locks = LockManager(place.store())
    assert unfairness([locks] * 8) < UNFAIR


def test_steady_waiters_of_several_stores_are_served_in_turn(place):
    """Though they know nothing of each other, and whoever had the lock asks for it again at once."""
    managers = [LockManager(place.store()) for _ in range(8)]
    assert unfairness(managers) < UNFAIR
    assert wait_ids(managers[0].store) == []


def test_a_caller_who_comes_later_leaves_the_lock_to_the_one_who_is_next(place):
    """A reservation of somebody who waits longer keeps it free for him; one that is over keeps nobody out."""
    store = place.store()
    locks = LockManager(store)
    (locks.acquire("r", owner="a")).release()
    now = store.runtime.access.backend.server_time(timeout=TIMEOUT)
    fields = {"format": 1, "resource": "r", "owner": "b", "nonce": "n", "since": now, "round": 1}
    store.runtime.access.backend.commit([Put(reservation_path("r"), fields)], timeout=TIMEOUT)
    with pytest.raises(LockTimeoutError) as caught:
        locks.acquire("r", owner="c", timeout=0)
    assert (caught.value.holder, caught.value.next_owner) == (None, "b")
    began = monotonic()
    with locks.hold("r", owner="c", timeout=LONG):
        assert monotonic() - began < patience(5.0)
    assert wait_ids(store) == [], "what is over is taken away"


def test_a_damaged_reservation_keeps_nobody_out(place):
    """It grants nothing, so it costs nothing."""
    store = place.store()
    locks = LockManager(store)
    (locks.acquire("r", owner="a")).release()
    for fields in ({"owner": 3}, {"owner": "b", "nonce": "n", "since": "now"}, {}):
        store.runtime.access.backend.commit([Put(reservation_path("r"), {"x": 1, **fields})], timeout=TIMEOUT)
        with locks.hold("r", timeout=0):
            pass


@pytest.mark.timeout(600)
def test_many_callers_lose_no_increment(place, scale):
    """Some increments each, of a number that is read and written back under one lock."""
    callers, increments_each = scale((12, 4), (50, 10))
    store = place.store()
    persister = StateMachinePersister(store, COUNTER)
    persister.start("g", "s", {"n": 0})
    locks = LockManager(store)

    def increments():
        for _ in range(increments_each):
            with locks.hold("r", timeout=500) as lock:
                n = (persister.load_state("g", "s")).snapshot.data["n"]
                persister.log_transition("g", "s", "set", to_status="open", data={"n": n + 1})
                assert lock.held

    together([increments] * callers)
    assert (persister.load_state("g", "s")).snapshot.data == {"n": callers * increments_each}


def ring(managers, names):
    """Let each worker hold one lock and want the next one's; return the cycle that each was told, or None."""
    ready: list[int] = []

    def worker(at, locks):
        def run():
            with locks.hold(names[at], owner=f"w{at}", timeout=LONG):
                ready.append(at)
                while len(ready) < len(names):
                    sleep(0.005)
                try:
                    with locks.hold(names[(at + 1) % len(names)], owner=f"w{at}", timeout=LONG):
                        return None
                except DeadlockError as error:
                    return error.cycle

        return run

    return together([worker(at, locks) for at, locks in enumerate(managers)])


@pytest.mark.parametrize("size", [2, 3])
def test_a_cycle_has_one_victim(place, size):
    """Exactly one of the workers is told the cycle, and the others finish."""
    names = ["a", "b", "c"][:size]
    managers = [LockManager(place.store()) for _ in names]
    (cycle,) = [one for one in ring(managers, names) if one is not None]
    assert cycle[0] == cycle[-1]
    assert len(cycle) == size + 1
    assert set(cycle) == {f"w{at}" for at in range(size)}
    assert wait_ids(managers[0].store) == [], "nobody is said to wait any more"


def test_a_cycle_within_one_process_has_one_victim(place):
    """Where the waiters stand in one line with others."""
    locks = LockManager(place.store())
    outcomes = ring([locks] * 3, ["a", "b", "c"])
    assert outcomes.count(None) == 2


def test_a_chain_is_no_cycle(place):
    """Who waits for somebody who waits for nobody gets the lock in the end."""
    locks, others = LockManager(place.store()), LockManager(place.store())
    last, last_store = locks.acquire("b", owner="b"), locks.store

    def waiter():
        with others.hold("a", owner="a"), others.hold("b", owner="a", timeout=LONG) as lock:
            return lock.owner

    def release():
        while not wait_ids(last_store):
            sleep(0.01)
        last.release()

    assert (together([waiter, release]))[0] == "a"


def test_many_locks_in_opposite_orders_never_deadlock(place):
    """They are taken in one commit, whatever the order in which they are named."""
    managers = [LockManager(place.store()) for _ in range(4)]

    def worker(at, locks):
        def run():
            names = ["a", "b", "c"] if at % 2 else ["c", "b", "a"]
            for _ in range(5):
                with locks.acquire_many(names, timeout=LONG) as many:
                    assert [lock.resource for lock in many.locks] == ["a", "b", "c"]
            return at

        return run

    assert together([worker(at, locks) for at, locks in enumerate(managers)]) == [0, 1, 2, 3]


def test_a_renewed_wait_is_seen_for_longer_than_it_counts(tmp_path, monkeypatch):
    """Its document changes with every renewal, or the store would not move its time."""
    monkeypatch.setattr(deadlocks, "WAIT_SECONDS", 0.4)
    store = SqliteStore(tmp_path / "store.db")
    locks = LockManager(store)
    theirs = locks.acquire("theirs", owner="them", ttl=PAST_EVERY_WAIT)

    def wait():
        locks.acquire("mine", owner="me", ttl=PAST_EVERY_WAIT)
        return locks.acquire("theirs", owner="me", timeout=LONG)

    def look():
        lasted = 0.0
        while lasted < 2 * 0.4:
            sleep(0.01)
            found = [one for one in store.runtime.access.backend.scan(WAITS, timeout=TIMEOUT)]
            # Before it waits there is none; from then on it is one and the same.
            assert [one.fields["label"] for one in found] == ["me"] or not lasted
            lasted = max(((one.update_time - one.create_time).total_seconds() for one in found), default=0.0)
        assert find(store, reservation_path("theirs")) is None
        theirs.release()

    together([wait, look])
    forget_every_lock()
    store.close()
