"""Processes that die in a distributed transaction: whoever settles it, both stores agree, and nothing is left."""

import pytest

from tai_state import AsyncBackendStore
from tai_state.distributed import PreparedError, async_settle
from tai_state.errors import DeadlineExceededError
from tai_state.testing.faults import SimulatedCrash
from tests._async.distributed.pair import (
    AT_ONCE,
    CALLS,
    ITEM,
    ORDER,
    Death,
    async_left,
    async_open_parts,
    async_order,
    async_outcome_of,
    transaction,
)
from tests._async.stores import AsyncWrappedBackend, in_memory


@in_memory
async def test_the_calls_are_counted(pair):
    """All of them: a call that is added is tried, too."""
    death = Death()
    await transaction(*pair.dying(death)).run(async_order)
    assert death.calls == CALLS


@in_memory
@pytest.mark.parametrize("settlers", [(0, 1), (1, 0)], ids=["the coordinator's first", "the other one first"])
@pytest.mark.parametrize("behind", [False, True], ids=["before", "behind"])
@pytest.mark.parametrize("at", range(1, CALLS + 1))
async def test_a_death_at_any_call_leaves_what_can_be_settled(pair, at, behind, settlers):
    """Once the lease is over: both stores or none, no mark, and whoever writes goes on."""
    with pytest.raises(SimulatedCrash):
        await transaction(*pair.dying(Death(at, behind=behind)), lease=AT_ONCE).run(async_order)
    stores = pair.opened()
    # Whoever settles one store alone leaves the other to be settled by the same decision.
    for settler in settlers:
        await async_settle(stores[settler], coordinator=pair.opened()[0])
    orders, stock = pair.opened()
    is_ordered = await async_outcome_of(orders, stock)
    await transaction(orders, stock).recover()
    assert await async_outcome_of(orders, stock) is is_ordered
    _, version = await stock.get_state(*ITEM)
    assert await stock.save_state(*ITEM, {"n": 9}) == version + 1
    assert await orders.save_state(*ORDER, {}) == 1 + is_ordered


@pytest.mark.parametrize("behind", [False, True], ids=["undecided", "decided"])
async def test_what_a_dead_process_left_is_settled_by_the_decision(pair, behind):
    """It is committed where it was decided, and aborted where it was not; on every engine."""
    await async_left(pair, behind=behind)
    orders, stock = pair.opened()
    assert len(await async_open_parts(orders)) == len(await async_open_parts(stock)) == 1
    assert await async_settle(stock, coordinator=orders) == 1
    assert await async_settle(orders) == 1
    assert await async_outcome_of(orders, stock) is behind
    assert await async_settle(orders) == await async_settle(stock, coordinator=orders) == 0


@in_memory
@pytest.mark.parametrize("is_decided", [False, True])
@pytest.mark.parametrize("at", range(1, 10))
async def test_two_who_settle_at_once_settle_it_once(pair, at, is_decided):
    """Before any call of the one the other settles all of it; then both go on."""
    await async_left(pair, behind=is_decided)
    others = pair.opened()

    async def another() -> None:
        for store in others:
            await async_settle(store, coordinator=others[0])

    orders, stock = pair.interposed(at, another)
    await async_settle(stock, coordinator=orders)
    await async_settle(orders)
    await another()
    assert await async_outcome_of(*others) is is_decided


async def test_while_the_lease_runs_nobody_settles_it(pair):
    """A slow coordinator is not dead."""
    await async_left(pair, transaction(*pair.opened()).lease)
    orders, stock = pair.opened()
    assert await async_settle(orders) == await async_settle(stock, coordinator=orders) == 0
    with pytest.raises(PreparedError):
        await stock.save_state(*ITEM, {"n": 0})


async def test_a_late_coordinator_cannot_commit_what_was_aborted(pair):
    """Whoever met a mark past the lease has decided; the coordinator finds that, and says so."""
    orders, stock = pair.opened()
    others = pair.opened()

    class Late(AsyncWrappedBackend):
        """Lets others settle before a decision is sent."""

        async def commit(self, writes, *, timeout):
            if any(write.path.id == "decision" for write in writes) and await async_open_parts(others[0]):
                assert await async_settle(others[0]) == 1
            return await super().commit(writes, timeout=timeout)

    late = AsyncBackendStore(Late(orders.runtime.access.backend), actor="tester")
    with pytest.raises(DeadlineExceededError, match="lease of 1e-06 seconds"):
        await transaction(late, stock, lease=AT_ONCE).run(async_order)
    assert not await async_outcome_of(*others)
