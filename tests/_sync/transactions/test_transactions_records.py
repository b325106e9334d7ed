# Generated from tests/_async/transactions/test_transactions_records.py by .ci/generate_sync.py; do not edit.
"""What a store knows of its transactions: records that expire, those that failed, and how many run at once."""
from datetime import timedelta

import pytest

from tai_state import (
    BackendStore,
    MemoryStore,
    TransactionManager,
    ConfigurationError,
    DamagedDocumentsError,
    DeadlineExceededError,
    RetriesExhaustedError,
    RetryPolicy,
    SchemaVersionError,
    StoreClosedError,
    StoreError,
)
from tai_state._platform.tasks import sleep, together
from tai_state.documents import DocumentPath, Put
from tai_state.layout import TRANSACTIONS
from tai_state.rules.transactions.record import transaction_path
from tai_state.testing.clock import ManualClock
from tests._sync.accounts import BANK, amount, amounts, open_accounts, put, manager_of
from tests._sync.stores import TIMEOUT, document_at, plant, in_memory

HOUR = timedelta(hours=1)


class Refusal(Exception):  # noqa: N818 - what a user's own exception may be called
    pass


def increment(tx):
    more = amount(tx, "a") + 1
    put(tx, "a", more)
    return more


# Records that expire


def test_a_record_says_when_it_expires(store):
    """For the engine's TTL policy, and for reads; a week unless the manager says otherwise."""
    open_accounts(store, a=0)
    manager_of(store).run(increment)
    (record,) = [one for one in manager_of(store).list_transactions()]
    assert record.expires_at == record.committed_at + timedelta(days=7)
    document = document_at(store, transaction_path(record.transaction_id))
    assert document.fields["tai_expires_at"] == document.fields["timestamp"] + timedelta(days=7)


DAMAGE = [
    {"transaction_id": "other"},
    {"transaction_id": 7},
    {"documents": [1]},
    {"result": 7},
    {"timestamp": "noon"},
    {"ttl_seconds": "long"},
    {"changed_by": None},
    {"request": ["r"]},
    {"format": None},
]


@pytest.mark.parametrize("damage", [*DAMAGE, {"format": 99}], ids=str)
def test_a_damaged_record_is_passed_over_in_a_list_and_named(store, damage):
    """Behind all the others; whoever asks for it is told, and its key is not used again."""
    manager = manager_of(store)
    open_accounts(store, a=0)
    for key in "xyz":
        manager.run(increment, idempotency_key=key)
    ids = [one.transaction_id for one in manager.list_transactions()]
    path = transaction_path(ids[1])
    plant(store, path, **damage)
    listed: list[str] = []
    with pytest.raises((DamagedDocumentsError, SchemaVersionError)) as caught:
        collect(manager.list_transactions(), listed)
    assert listed == [ids[0], ids[2]]
    assert getattr(caught.value, "paths", [str(path)]) == [str(path)]
    with pytest.raises((StoreError, SchemaVersionError), match=str(path)):
        manager.get_transaction(ids[1])
    assert [one.transaction_id for one in manager.list_transactions(limit=1)] == [ids[0]]
    assert amounts(store, "a") == [3]


def collect(records, into):
    for record in records:
        into.append(record.transaction_id)


@pytest.mark.parametrize("stored_id", ["a.b", "%zz"])
def test_a_strangers_document_among_the_records_is_named(store, stored_id):
    """By the id under which it is stored, whatever is in it; transactions go on."""
    path = DocumentPath(TRANSACTIONS, stored_id)
    store.runtime.access.backend.commit([Put(path, {"x": 1})], timeout=TIMEOUT)
    open_accounts(store, a=0)
    manager_of(store).run(increment)
    listed: list[str] = []
    with pytest.raises(DamagedDocumentsError) as caught:
        collect(manager_of(store).list_transactions(), listed)
    assert (len(listed), caught.value.paths) == (1, [str(path)])


def test_a_record_that_has_expired_is_none():
    """By the store's clock: nobody finds it, and its key may be used again."""
    clock = ManualClock()
    with MemoryStore(clock=clock) as store:
        open_accounts(store, a=0)
        manager = TransactionManager(store, record_ttl=HOUR)
        assert [manager.run(increment, idempotency_key="k") for _ in range(2)] == [1, 1]
        (record,) = [one for one in manager.list_transactions()]
        clock.advance(3_601)
        assert [one for one in manager.list_transactions()] == []
        assert manager.get_transaction(record.transaction_id) is None
        assert [manager.run(increment, idempotency_key="k") for _ in range(2)] == [2, 2]
        again = manager.get_transaction(record.transaction_id)
        assert again is not None
        assert again.expires_at == again.committed_at + HOUR
        assert again.committed_at > record.committed_at


def test_a_limit_counts_what_has_not_expired():
    """Those that have are passed over."""
    clock = ManualClock()
    with MemoryStore(clock=clock) as store:
        open_accounts(store, a=0)
        for _ in range(3):
            TransactionManager(store, record_ttl=HOUR).run(increment)
        clock.advance(3_601)
        for _ in range(3):
            TransactionManager(store).run(increment)
        records = [one for one in manager_of(store).list_transactions(limit=2)]
        assert len(records) == 2
        assert all(one.expires_at - one.committed_at == timedelta(days=7) for one in records)


@in_memory
@pytest.mark.parametrize("ttl", [timedelta(0), -HOUR, timedelta.max, 3_600, None])
def test_a_ttl_that_is_none_is_refused(store, ttl):
    """Where it comes in."""
    with pytest.raises(ConfigurationError, match="record_ttl"):
        TransactionManager(store, record_ttl=ttl)


def test_a_drained_store_lists_no_transactions(store):
    """As it takes no other call."""
    open_accounts(store, a=0)
    manager_of(store).run(increment)
    assert store.drain()
    with pytest.raises(StoreClosedError, match="drained"):
        _ = [one for one in manager_of(store).list_transactions()]


# Those that failed


def test_a_transaction_that_failed_is_remembered(place, store):
    """What it read and would have written, how often it was tried, and why it was given up."""
    open_accounts(store, a=0, b=0)
    other = place.store()

    def body(tx):
        amount(tx, "b")
        put(tx, "a", 1)
        other.save_state(BANK, "a", {"n": 7})

    with pytest.raises(RetriesExhaustedError):
        manager_of(store, RetryPolicy(attempts=2, wait_initial=0.0, wait_max=0.0)).run(body)
    (failed,) = manager_of(store).failed_transactions
    assert (failed.attempts, failed.code) == (2, "retries_exhausted")
    assert {path.rpartition("/")[2] for path in failed.reads} == {"a", "b"}
    assert {path.rpartition("/")[2].partition("@")[0] for path in failed.writes} == {"a"}
    assert "gave" in failed.reason or "given up" in failed.reason
    assert manager_of(other).failed_transactions == []


def test_an_exception_of_the_body_is_a_failure(store):
    """With its name, and no code of ours."""

    def body(tx):
        message = "too little"
        raise Refusal(message)

    with pytest.raises(Refusal):
        manager_of(store).run(body)
    (failed,) = manager_of(store).failed_transactions
    assert (failed.code, failed.reason, failed.attempts) == ("", "Refusal: too little", 1)


def test_what_succeeds_in_the_end_did_not_fail(place, store):
    """Conflicts on the way are none."""
    open_accounts(store, a=0)
    together([lambda: manager_of(store).run(increment)] * 4)
    assert manager_of(store).failed_transactions == []


@in_memory
def test_the_last_hundred_failures_are_remembered(store):
    """A process that fails for days does not grow."""

    def body(tx):
        runs.append(1)
        raise Refusal(str(len(runs)))

    runs: list[int] = []
    for _ in range(103):
        with pytest.raises(Refusal):
            manager_of(store).run(body)
    failed = manager_of(store).failed_transactions
    assert [one.reason for one in failed] == [f"Refusal: {number}" for number in range(4, 104)]


# How many at once


def test_so_many_run_at_once_and_no_more(store):
    """The others wait, and each gets its turn."""
    open_accounts(store, a=0)
    manager = TransactionManager(store, max_concurrent=3)
    at_work: list[int] = []
    most: list[int] = []

    def body(tx):
        at_work.append(1)
        most.append(len(at_work))
        sleep(0.01)
        at_work.pop()

    together([lambda: manager.run(body)] * 12)
    assert len(most) == 12
    assert max(most) == 3


def test_a_run_inside_a_body_takes_no_place_of_its_own(store):
    """It would wait for the one around it."""
    open_accounts(store, a=0)
    manager = TransactionManager(store, max_concurrent=1)
    manager.run(lambda tx: manager.run(increment))
    assert amounts(store, "a") == [1]


def test_a_place_that_stays_taken_is_a_deadline(place, store):
    """Nothing was run."""
    manager = TransactionManager(store, max_concurrent=1)
    refused = []

    def late():
        with pytest.raises(DeadlineExceededError, match="1 places"):
            manager.run(lambda tx: tx.find_state("g", "s"), timeout=0.05)
        refused.append(1)

    with manager._places.join("the 1 places of a transaction manager"):
        late()
    assert refused == [1]


@in_memory
@pytest.mark.parametrize("count", [0, -1, 1.5, True, "2"])
def test_a_number_that_is_none_is_refused(store, count):
    """Where it comes in."""
    with pytest.raises(ConfigurationError, match="max_concurrent"):
        TransactionManager(BackendStore(store.runtime.access.backend), max_concurrent=count)
