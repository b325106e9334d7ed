# Generated from tests/_async/transactions/test_transactions_units.py by .ci/generate_sync.py; do not edit.
"""Units of work: a block that is one attempt of a transaction, committed with its end."""
import pytest

from tai_state import (
    BackendStore,
    LockManager,
    DeadlineExceededError,
    LockLostError,
    StaleReadError,
    StoreClosedError,
    StoreError,
    UnsupportedOperationError,
)
from tai_state._platform.tasks import together
from tai_state.testing.clock import ManualClock
from tests._sync.accounts import (
    BANK,
    MeddledBackend,
    amount,
    amounts,
    open_accounts,
    put,
    transfer,
    manager_of,
    over,
)


class Refusal(Exception):  # noqa: N818 - what a user's own exception may be called
    pass


@pytest.fixture
def other(place):
    """Another writer in the same place, where two accounts are open."""
    store = place.store()
    open_accounts(store, a=100, b=0)
    return store


def test_a_block_is_committed_with_its_end(place, other):
    """One read, one commit, and a record."""
    store, backend = place.counting()
    with manager_of(store).begin() as tx:
        transfer(tx, "a", "b", 10)
        assert amount(tx, "b") == 10
        assert amounts(other, "a", "b") == [100, 0]
    assert backend.taken() == ["get_many", "commit"]
    assert amounts(other, "a", "b") == [90, 10]
    assert (manager_of(other).get_transaction(tx.transaction_id)).changed_by == "tester"


def test_an_exception_of_the_block_writes_nothing(other):
    """It passes through as it is."""
    refusal, kept = Refusal(), []

    def block():
        with manager_of(other).begin() as tx:
            kept.append(tx)
            put(tx, "a", 1)
            raise refusal

    with pytest.raises(Refusal) as caught:
        block()
    assert caught.value is refusal
    assert amounts(other, "a") == [100]
    with pytest.raises(StoreError, match="ended"):
        put(kept[0], "a", 1)


def test_a_block_that_read_nothing_sends_nothing(place, other):
    """There is nothing to commit."""
    store, backend = place.counting()
    with manager_of(store).begin():
        pass
    assert backend.taken() == []


def test_a_conflict_is_the_callers(place, other):
    """A block runs once: the commit that was refused is a StaleReadError, and nothing was written."""
    store, backend = over(place, MeddledBackend)
    backend.before_commits.append(lambda: other.save_state(BANK, "a", {"n": 50}))
    with pytest.raises(StaleReadError):
        with manager_of(store).begin() as tx:
            transfer(tx, "a", "b", 10)
    assert amounts(other, "a", "b") == [50, 0]


def test_a_guarded_block_needs_its_lock(other):
    """The commit carries it."""
    lock = LockManager(other).acquire("bank")
    with manager_of(other).begin(lock) as tx:
        put(tx, "a", 1)

    def block():
        with manager_of(other).begin(lock=lock) as tx:
            put(tx, "a", 2)
            lock.release()

    with pytest.raises(LockLostError):
        block()
    assert amounts(other, "a") == [1]


def test_a_block_has_the_time_of_a_run(place, other):
    """From its beginning on."""
    clock = ManualClock()
    store = BackendStore(place.store().runtime.access.backend, clock=clock)

    def block():
        with manager_of(store).begin(timeout=5) as tx:
            put(tx, "a", 1)
            clock.advance(6)

    with pytest.raises(DeadlineExceededError):
        block()
    assert amounts(other, "a") == [100]


def test_a_block_may_be_read_only(other):
    """It refuses to write."""
    with pytest.raises(UnsupportedOperationError):
        with manager_of(other).begin(read_only=True) as tx:
            put(tx, "a", 1)


def test_a_drain_waits_for_a_block(place, other):
    """It is committed all the same; another is not let in."""
    store = place.store()
    drained = []

    def drain():
        drained.append(store.drain(timeout=0.01))

    with manager_of(store).begin() as tx:
        put(tx, "a", 1)
        together([drain])
    assert drained == [False]
    assert amounts(other, "a") == [1]
    assert store.drain()
    with pytest.raises(StoreClosedError, match="drained"):
        with manager_of(store).begin():
            pass
