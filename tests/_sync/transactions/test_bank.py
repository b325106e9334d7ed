# Generated from tests/_async/transactions/test_bank.py by .ci/generate_sync.py; do not edit.
"""A bank under load: the total never changes, in any read-only transaction, and no transfer is lost or made twice."""
import pytest

from tai_state import BackendStore, StateMachinePersister, TransactionManager
from tai_state._platform.tasks import together
from tests._sync.accounts import BANK, amount, amounts, open_accounts, put
from tests._sync.bank import OPENING, Bank
from tests._sync.transactions.test_isolation import CarelessBackend

TRANSFERS = {"memory": 2_000, "sqlite": 2_000, "firestore": 120, "redis": 2_000}
ACCOUNTS = {"memory": 8, "sqlite": 16, "firestore": 16, "redis": 16}


@pytest.mark.timeout(300)
def test_the_total_never_changes(place, backend_kind, scale):
    """Eight workers of clients of their own, and an auditor beside them."""
    transfers = scale(80, TRANSFERS[backend_kind])
    bank = Bank(place.store, accounts=ACCOUNTS[backend_kind])
    bank.open()
    bank.run(workers=8, transfers=transfers, seconds_max=240.0)
    assert bank.transfers == transfers
    assert set(bank.totals) == {OPENING * bank.accounts}
    assert len(bank.totals) > 3
    store = place.store()
    stats = store.stats(BANK)
    assert stats.events == bank.accounts + 2 * bank.transfers, "each transfer is one event of each account"
    assert (StateMachinePersister(store).validate_consistency(BANK)).problems == []


def test_without_preconditions_the_total_changes(place):
    """The run can fail: here nothing keeps the writers apart."""

    def open_store():
        return BackendStore(CarelessBackend(place.store().runtime.access.backend))

    bank = Bank(open_store, accounts=4)
    bank.is_over = lambda: bank.is_wrong
    bank.open()
    bank.run(workers=8, transfers=160)
    assert bank.is_wrong


def run_bank(place, transfers):
    """Eight workers on eight accounts, each transfer as a manager makes it by default; none may be given up."""
    bank = Bank(place.store, accounts=8, retry=None)
    bank.open()
    bank.run(workers=8, transfers=transfers, seconds_max=3_600.0)
    assert bank.transfers == transfers
    assert bank.totals[-1] == OPENING * bank.accounts


def test_eight_workers_on_eight_accounts_give_up_no_transfer(place):
    """Nearly half of the first attempts meet a conflict."""
    run_bank(place, 160)


@pytest.mark.more
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("backend_kind", ["sqlite", pytest.param("firestore", marks=pytest.mark.emulator)])
def test_eight_workers_on_eight_accounts_give_up_none_of_4000_transfers(place):
    """The full size of it."""
    run_bank(place, 4_000)


def count_up(tx):
    put(tx, "hot", amount(tx, "hot") + 1)


def test_twenty_writers_of_one_state_lose_nothing(place):
    """Five increments each, from clients of their own."""
    open_accounts(place.store(), hot=0)

    def work():
        manager = TransactionManager(place.store())
        for _ in range(5):
            manager.run(count_up)

    together([work] * 20)
    assert amounts(place.store(), "hot") == [100]


@pytest.mark.more
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("backend_kind", ["sqlite", pytest.param("firestore", marks=pytest.mark.emulator)])
def test_ten_writers_of_one_state_with_large_transactions_lose_nothing(place):
    """Ten transactions of a hundred saves each, from clients of their own: the losers queue."""
    open_accounts(place.store(), hot=0)
    attempts = []

    def body(tx):
        attempts.append(1)
        for _ in range(100):
            count_up(tx)

    def work():
        manager = TransactionManager(place.store())
        for _ in range(10):
            manager.run(body)

    together([work] * 10)
    assert amounts(place.store(), "hot") == [10_000]
    assert len(attempts) < 1_000, "ten attempts for each, on average"
