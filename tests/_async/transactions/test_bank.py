"""A bank under load: the total never changes, in any read-only transaction, and no transfer is lost or made twice."""

import pytest

from tai_state import AsyncBackendStore, AsyncStateMachinePersister
from tests._async.accounts import BANK
from tests._async.bank import OPENING, AsyncBank
from tests._async.transactions.test_isolation import AsyncCarelessBackend

TRANSFERS = {"memory": 2_000, "sqlite": 2_000, "firestore": 120}
ACCOUNTS = {"memory": 8, "sqlite": 16, "firestore": 16}


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
