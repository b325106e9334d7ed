"""What is kept of distributed transactions, for how long, and what of it goes into copies."""

from datetime import timedelta

from tai_state import AsyncMemoryStore, AsyncStateMachinePersister, async_export_store, async_import_store
from tai_state.distributed import async_settle
from tai_state.layout import PREPARED
from tai_state.testing import ManualClock
from tests._async.distributed.pair import (
    ITEM,
    ORDER,
    AsyncPair,
    async_begun,
    async_left,
    async_order,
    async_outcome_of,
    transaction,
)
from tests._async.stores import AsyncPlace


async def _async_pair(clock):
    """Return two places of memory whose clock a test moves."""
    pair = AsyncPair(AsyncPlace("memory"), AsyncPlace("memory"), "")
    _, stock = pair.opened(clock=clock)
    await stock.save_state(*ITEM, {"n": 5})
    return pair


async def _async_prepared(store):
    return [one.path async for one in store.runtime.access.scan(PREPARED)]


async def test_a_day_behind_the_last_settlement_all_is_cleared_away():
    """Begin, decision and notes in one go, and not before; closed parts stay for three days."""
    clock = ManualClock()
    pair = await _async_pair(clock)
    orders, stock = pair.opened(clock=clock)
    await transaction(orders, stock).run(async_order)
    for hours, known, closed in ((23, 1, 1), (2, 0, 1), (72, 0, 0)):
        clock.advance(hours * 3600)
        for store in (orders, stock):
            await AsyncStateMachinePersister(store).gc()
        assert (len(await async_begun(orders)), len(await _async_prepared(stock))) == (known, closed)
    assert [one async for one in orders.runtime.access.scan("distributed")] == []
    assert await async_outcome_of(orders, stock)


async def test_what_is_not_settled_everywhere_is_kept_for_as_long_as_it_takes():
    """However old it is: whoever settles the rest needs the decision."""
    clock = ManualClock()
    pair = await _async_pair(clock)
    await async_left(pair, behind=True)
    orders, stock = pair.opened(clock=clock)
    assert await async_settle(orders) == 1
    clock.advance(timedelta(days=300).total_seconds())
    await AsyncStateMachinePersister(orders).gc()
    assert len(await async_begun(orders)) == 1
    assert await async_settle(stock, coordinator=orders) == 1
    assert await async_outcome_of(orders, stock)
    clock.advance(timedelta(hours=25).total_seconds())
    await AsyncStateMachinePersister(orders).gc()
    assert await async_begun(orders) == []


async def test_a_copy_takes_part_in_nothing(pair, tmp_path):
    """An export holds the states as they were, without marks, and nothing of what is only prepared."""
    await async_left(pair)
    for store, kept in zip(pair.opened(), (["other"], ["widget"]), strict=True):
        file = tmp_path / f"{kept[0]}.jsonl"
        report = await async_export_store(store, file)
        assert report.left_out == []
        async with AsyncMemoryStore() as copy:
            await async_import_store(copy, file)
            assert [one.state_id async for one in copy.list_states("shop", include_deleted=True)] == kept
            found, version = await copy.get_state("shop", kept[0])
            assert (found.prepared_by, version) == (None, 1)
            assert await copy.save_state("shop", kept[0], {}) == 2
            assert await copy.save_state(*ORDER, {}) == 1
            assert await _async_prepared(copy) == []
