# Generated from tests/_async/transactions/test_pitfalls_time.py by .ci/generate_sync.py; do not edit.
"""The pitfalls of atomic persistence that docs/pitfalls.md lists, as far as they are of time, locks and trying again.

Those of what is read and written: test_pitfalls.py.
"""
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

import pytest

from tai_state import (
    BackendStore,
    LockManager,
    StateMachinePersister,
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
    verify,
)
from tai_state._platform.tasks import sleep, together
from tai_state.documents import DocumentPath, Write
from tai_state.errors import CommitAmbiguousError
from tai_state.keys import Keys
from tests._sync.accounts import BANK, amount, amounts, open_accounts, transfer, manager_of
from tests._sync.commits.test_coalescing import at_once, held
from tests._sync.deaths import forget_every_lock
from tests._sync.machines import COUNTER
from tests._sync.stores import (
    NO_WAIT,
    CountingBackend,
    UnreachableBackend,
    WrappedBackend,
    contents,
)
from tests.waits import patience

WAIT = 60.0


class Undone(Exception):  # noqa: N818 - a body's own reason to give up
    pass


@pytest.fixture(autouse=True)
def no_lock_is_left():
    """Behind each test no heartbeat goes on."""
    yield
    forget_every_lock()


def started(store, config=None):
    """Return a persister with a state at version 1."""
    persister = StateMachinePersister(store, COUNTER, config)
    persister.start("g", "s", {"n": 0})
    return persister


def test_no_lock_is_a_phantom(place):
    """One whose holder is gone is free when its lease ends; whoever comes back late writes nothing under it."""
    gone, other = place.store(), place.store()
    persister = started(gone)
    lock = LockManager(gone, LockConfig(ttl=0.3)).acquire("r", owner="gone", heartbeat=False)
    taken = LockManager(other).acquire("r", owner="other", timeout=WAIT)
    assert taken.fencing_token == lock.fencing_token + 1
    with pytest.raises(LockError):
        persister.transition("g", "s", "add", 1, lock=lock)
    assert (other.get_state("g", "s"))[1] == 1
    taken.release()
    with pytest.raises(Undone):
        with LockManager(gone).hold("r", owner="gone"):
            raise Undone
    (LockManager(other).acquire("r", owner="other", timeout=0)).release()


def test_no_deadlock_lasts(place):
    """Of two who wait for each other's lock one is told so, and the other one goes on."""
    managers = {name: LockManager(place.store()) for name in ("a", "b")}
    held: list[str] = []

    def crosses(mine, others):
        locks = managers[mine]
        with locks.hold(mine, owner=mine):
            held.append(mine)
            while len(held) < 2:
                sleep(0.01)
            try:
                with locks.hold(others, owner=mine, timeout=WAIT):
                    return "had both"
            except DeadlockError as error:
                return sorted(set(error.cycle))

    outcomes = together([partial(crosses, "a", "b"), partial(crosses, "b", "a")])
    assert sorted(outcomes, key=str) == [["a", "b"], "had both"]


def test_transactions_in_opposite_orders_wait_for_nobody(place):
    """They lock nothing: the inner one commits while the outer one has read and written both."""
    store, other = place.store(), place.store()
    open_accounts(store, a=100, b=100)
    inner = ["once"]

    def there(tx):
        transfer(tx, "a", "b", 10)
        while inner:
            inner.pop()
            manager_of(other).run(lambda another: transfer(another, "b", "a", 1), timeout=10)

    manager_of(store).run(there)
    assert amounts(other, "a", "b") == [91, 109]


FOUR_TIMES = RetryPolicy(attempts=4, wait_initial=0.0, wait_max=0.0)

CALLS = {
    "change": lambda store: store.save_state(BANK, "a", {"n": 1}),
    "move": lambda store: StateMachinePersister(store, COUNTER).transition("g", "s", "add", 1),
    "transaction": lambda store: manager_of(store, FOUR_TIMES).run(lambda tx: transfer(tx, "a", "b", 1)),
    "key": lambda store: Keys(store, "k").increment("n"),
    "lock": lambda store: LockManager(store).acquire("r", timeout=WAIT),
}


class CountingUnreachableBackend(UnreachableBackend):
    """Counts what is asked of it in vain."""

    asked = 0

    def get_many(self, paths, *, timeout, consistent=True, at=None):
        self.asked += self.is_cut
        return super().get_many(paths, timeout=timeout, consistent=consistent, at=at)

    def commit(self, writes, *, timeout):
        self.asked += self.is_cut
        return super().commit(writes, timeout=timeout)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_no_retry_is_a_storm(place, call):
    """A store that does not answer is asked as often as the policy says, whatever there is of layers above it."""
    backend = CountingUnreachableBackend(place.store().runtime.access.backend)
    store = BackendStore(backend, retry=FOUR_TIMES, actor="tester")
    open_accounts(store, a=100, b=100)
    started(store)
    backend.is_cut = True
    with pytest.raises(RetriesExhaustedError):
        call(store)
    assert backend.asked == 4


def test_a_crowd_at_one_state_is_no_storm(place):
    """Those of one process who wait go together: a few commits, and each has its own result."""
    persister, backend = held(place)
    results = at_once(backend, [partial(persister.transition, "g", "s", "add", 1)] * 50)
    assert sorted(result.version for result in results) == list(range(2, 52))
    assert len(backend.sizes) <= 3


@pytest.mark.parametrize("fault", ["reply lost", "request lost"])
def test_every_retry_is_idempotent(place, fault):
    """What is sent again is the identical commit; and what a caller asks again, under its key, is made once."""
    started(place.store())
    store, _ = place.faulty(fault)
    moved = StateMachinePersister(store, COUNTER).transition("g", "s", "add", 5, idempotency_key="k")
    again = StateMachinePersister(place.store(), COUNTER).transition("g", "s", "add", 5, idempotency_key="k")
    assert (moved.version, moved.replayed) == (2, False)
    assert (again.version, again.replayed) == (2, True)
    snapshot, version = place.store().get_state("g", "s")
    assert (snapshot.data["n"], version) == (5, 2)


def test_a_history_need_not_grow(place):
    """Where it is bounded the documents are as many after 90 moves as after 45, and reading costs the same."""
    bounded = PersistenceConfig(
        snapshot_interval=10, snapshot_retention=2, segment_events=10, history=HistoryPolicy(max_events=10)
    )
    store, backend = place.counting(receipt_ttl=timedelta(days=1))
    persister = started(store, bounded)
    sizes, costs = [], []
    for _ in range(2):
        for _ in range(45):
            persister.transition("g", "s", "add", 1)
        persister.gc("g")
        sizes.append(len(contents(store)))
        backend.taken()
        StateMachinePersister(BackendStore(backend), COUNTER).replay("g", "s")
        costs.append(len(backend.taken()))
    assert sizes[1] <= sizes[0] + 10
    assert costs[1] <= costs[0]
    assert (store.get_state("g", "s"))[1] == 91
    assert [one for report in verify(store) for one in report.problems] == []


class TimedBackend(CountingBackend):
    """Notes how long each call may take."""

    def __init__(self, inner) -> None:
        super().__init__(inner)
        self.times: list[float] = []

    def get_many(
        self, paths: Sequence[DocumentPath], *, timeout: float, consistent: bool = True, at: datetime | None = None
    ):
        self.times.append(timeout)
        return super().get_many(paths, timeout=timeout, consistent=consistent, at=at)

    def scan(self, collection, *, start=None, stop=None, limit=None, timeout):
        self.times.append(timeout)
        return super().scan(collection, start=start, stop=stop, limit=limit, timeout=timeout)

    def scan_ids(self, collection, *, start=None, limit=None, timeout):
        self.times.append(timeout)
        return super().scan_ids(collection, start=start, limit=limit, timeout=timeout)

    def query(self, query, *, limit=None, timeout):
        self.times.append(timeout)
        return super().query(query, limit=limit, timeout=timeout)

    def commit(self, writes: Sequence[Write], *, timeout: float):
        self.times.append(timeout)
        return super().commit(writes, timeout=timeout)


def reads(store):
    """Read in every way there is."""
    persister = StateMachinePersister(store, COUNTER)
    assert [one for one in store.list_governors()]
    assert [one for one in store.list_states("g")]
    assert [one for one in persister.history("g", "s")]
    assert [one for one in store.find(status="open")]
    assert (persister.validate_consistency("g")).problems == []
    persister.gc("g")
    persister.recover("g")


def test_no_timeout_is_missing(place):
    """No call reaches the engine without one, though nobody gives any, and none longer than the policy's."""
    backend = TimedBackend(place.store().runtime.access.backend)
    store = BackendStore(backend, actor="tester", retry=RetryPolicy(attempt_timeout=7.0))
    open_accounts(store, a=100, b=100)
    started(store)
    for call in CALLS.values():
        call(store)
    manager_of(store).run(lambda tx: amount(tx, "a"), read_only=True)
    reads(store)
    assert len(backend.times) > 20
    assert all(0 < seconds <= 7 for seconds in backend.times)


class SilentBackend(WrappedBackend):
    """Never answers, once it is silent: who calls it hears that when his time is over."""

    is_silent = False

    def get_many(self, paths, *, timeout, consistent=True, at=None):
        if self.is_silent:
            sleep(timeout)
            raise StoreUnavailableError("no answer")
        return super().get_many(paths, timeout=timeout, consistent=consistent, at=at)

    def commit(self, writes, *, timeout):
        if self.is_silent:
            sleep(timeout)
            raise CommitAmbiguousError("no answer")
        return super().commit(writes, timeout=timeout)


def test_who_hears_nothing_does_not_wait_for_ever(place):
    """The call ends when its own time is over, and says whether something may have been written."""
    backend = SilentBackend(place.store().runtime.access.backend)
    store = BackendStore(backend, actor="tester", retry=NO_WAIT)
    persister = started(store)
    backend.is_silent, began = True, time.monotonic()
    with pytest.raises(OutcomeUnknownError):
        persister.transition("g", "s", "add", 1, timeout=0.2)
    with pytest.raises(DeadlineExceededError):
        store.get_state("g", "s", timeout=0.2)
    assert time.monotonic() - began < patience(3)
