"""A bank under load: the total never changes, in any read-only transaction, and no transfer is lost or made twice."""

import pytest

from tai_state import AsyncBackendStore, AsyncStateMachinePersister, AsyncTransactionManager
from tai_state._platform.tasks import async_together
from tests._async.accounts import BANK, async_amount, async_amounts, async_open_accounts, async_put
from tests._async.bank import OPENING, AsyncBank
from tests._async.transactions.test_isolation import AsyncCarelessBackend

TRANSFERS = {"memory": 2_000, "sqlite": 2_000, "firestore": 120, "redis": 2_000}
ACCOUNTS = {"memory": 8, "sqlite": 16, "firestore": 16, "redis": 16}


@pytest.mark.timeout(300)
async def test_the_total_never_changes(place, backend_kind, scale):
    """Eight workers of clients of their own, and an auditor beside them."""
    transfers = scale(80, TRANSFERS[backend_kind])
    bank = AsyncBank(place.store, accounts=ACCOUNTS[backend_kind])
    await bank.open()
    await bank.run(workers=8, transfers=transfers, seconds_max=240.0)
    assert bank.transfers == transfers
    assert set(bank.totals) == {OPENING * bank.accounts}
    assert len(bank.totals) > 3
    store = place.store()
    stats = await store.stats(BANK)
    assert stats.events == bank.accounts + 2 * bank.transfers, "each transfer is one event of each account"
    assert (await AsyncStateMachinePersister(store).validate_consistency(BANK)).problems == []


async def test_without_preconditions_the_total_changes(place):
    """The run can fail: here nothing keeps the writers apart."""

    def open_store():
        return AsyncBackendStore(AsyncCarelessBackend(place.store().runtime.access.backend))

    bank = AsyncBank(open_store, accounts=4)
    bank.is_over = lambda: bank.is_wrong
    await bank.open()
    await bank.run(workers=8, transfers=160)
    assert bank.is_wrong


async def async_run_bank(place, transfers):
    """Eight workers on eight accounts, each transfer as a manager makes it by default; none may be given up."""
    bank = AsyncBank(place.store, accounts=8, retry=None)
    await bank.open()
    await bank.run(workers=8, transfers=transfers, seconds_max=3_600.0)
    assert bank.transfers == transfers
    assert bank.totals[-1] == OPENING * bank.accounts


async def test_eight_workers_on_eight_accounts_give_up_no_transfer(place):
    """Nearly half of the first attempts meet a conflict."""
    await async_run_bank(place, 160)


@pytest.mark.more
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("backend_kind", ["sqlite", pytest.param("firestore", marks=pytest.mark.emulator)])
async def test_eight_workers_on_eight_accounts_give_up_none_of_4000_transfers(place):
    """The full size of it."""
    await async_run_bank(place, 4_000)


async def async_count_up(tx):
    await async_put(tx, "hot", await async_amount(tx, "hot") + 1)


async def test_twenty_writers_of_one_state_lose_nothing(place):
    """Five increments each, from clients of their own."""
    await async_open_accounts(place.store(), hot=0)

    async def work():
        manager = AsyncTransactionManager(place.store())
        for _ in range(5):
            await manager.run(async_count_up)

    await async_together([work] * 20)
    assert await async_amounts(place.store(), "hot") == [100]


@pytest.mark.more
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("backend_kind", ["sqlite", pytest.param("firestore", marks=pytest.mark.emulator)])
async def test_ten_writers_of_one_state_with_large_transactions_lose_nothing(place):
    """Ten transactions of a hundred saves each, from clients of their own: the losers queue."""
    await async_open_accounts(place.store(), hot=0)
    attempts = []

    async def body(tx):
        attempts.append(1)
        for _ in range(100):
            await async_count_up(tx)

    async def work():
        manager = AsyncTransactionManager(place.store())
        for _ in range(10):
            await manager.run(body)

    await async_together([work] * 10)
    assert await async_amounts(place.store(), "hot") == [10_000]
    assert len(attempts) < 1_000, "ten attempts for each, on average"
