"""A state that a distributed transaction has in hand: who reads it, and who wants to change it."""

import datetime as dt

import pytest

from tai_state import (
    AsyncStateMachinePersister,
    AsyncTransactionManager,
    Machine,
    Maintenance,
    PersistenceConfig,
    Transition,
    TransitionRequest,
    async_recover,
    async_verify,
)
from tai_state.distributed import PreparedError, async_settle
from tai_state.due import AsyncDueWorker, Timeout
from tai_state.errors import StateNotFoundError
from tai_state.layout import state_layout
from tai_state.urls import place_url
from tests._async.distributed.pair import ITEM, ORDER, async_left, async_open_parts, async_outcome_of, transaction
from tests._async.stores import async_document_at, async_plant

LONG = dt.timedelta(seconds=30)

MACHINE = Machine("stock", "full", [Transition("empty", "full", "empty")])


@pytest.fixture
async def stores(pair):
    """Both stores, with what a process has left that died behind its decision, and its lease runs."""
    await async_left(pair, LONG, behind=True)
    return pair.opened()


async def test_a_reader_gets_the_old_value_flagged(stores):
    """By every way to read it, transactions included; the flag names the transaction."""
    orders, stock = stores
    (part,) = await async_open_parts(stock)
    found, version = await stock.get_state(*ITEM)
    assert (found.data, version, found.prepared_by) == ({"n": 5}, 1, part.id)
    (batch,) = (await stock.batch_get_states("shop", ["widget"])).found.values()
    (listed,) = [one async for one in stock.list_states("shop")]
    read = await AsyncTransactionManager(stock).run(lambda tx: tx.find_state(*ITEM), read_only=True)
    assert batch == listed == read == found
    assert await async_settle(orders) == await async_settle(stock, coordinator=orders) == 1
    assert (await stock.get_state(*ITEM))[0].prepared_by is None


async def test_a_state_that_is_only_prepared_is_seen_by_nobody(stores):
    """It never was, by every way to read."""
    orders, _ = stores
    with pytest.raises(StateNotFoundError) as refusal:
        await orders.get_state(*ORDER)
    assert "deleted" not in str(refusal.value)
    assert await orders.find_state(*ORDER) is None
    assert (await orders.batch_get_states("shop", [ORDER[1]])).missing == [ORDER[1]]
    assert [one.state_id async for one in orders.list_states("shop", include_deleted=True)] == ["other"]
    assert [one.state_id async for one in orders.find()] == ["other"]
    assert [one async for one in orders.get_events(*ORDER)] == []
    body = await AsyncTransactionManager(orders).run(lambda tx: tx.find_state(*ORDER), read_only=True)
    assert body is None


async def test_each_kind_of_change_is_refused_and_tells_where_the_decision_is(stores):
    """It may be tried again; nothing was written."""
    orders, stock = stores
    persister = AsyncStateMachinePersister(stock, MACHINE)
    own = AsyncStateMachinePersister(orders, MACHINE)
    (part,) = await async_open_parts(stock)
    before = await async_document_at(stock, state_layout(*ITEM).state)
    changes = [
        lambda: stock.save_state(*ITEM, {"n": 0}),
        lambda: stock.update_state(*ITEM, {"n": 0}, 1),
        lambda: stock.update_state(*ITEM, {"n": 0}, 9),
        lambda: stock.delete_state(*ITEM),
        lambda: stock.erase_state(*ITEM, reason="asked for"),
        lambda: persister.transition(*ITEM, "empty"),
        lambda: persister.log_transition(*ITEM, "count", to_status="full", data={"n": 0}),
        lambda: persister.rollback(*ITEM, 1),
        lambda: persister.create_snapshot(*ITEM),
        lambda: AsyncTransactionManager(stock).run(lambda tx: tx.save_state(*ITEM, {"n": 0})),
        lambda: orders.save_state(*ORDER, {}),
        lambda: own.start(*ORDER, {}),
        lambda: orders.erase_state(*ORDER, reason="asked for"),
    ]
    for change in changes:
        with pytest.raises(PreparedError) as refusal:
            await change()
        assert refusal.value.retry_after is not None
        assert refusal.value.transaction_id == part.id
        assert refusal.value.coordinator == place_url(await orders.runtime.access.backend.place())
    assert await async_document_at(stock, state_layout(*ITEM).state) == before
    asked = [TransitionRequest(*ITEM, "empty"), TransitionRequest(*ITEM, "empty")]
    assert {type(one) for one in await persister.transition_many(asked)} == {PreparedError}


async def test_a_transaction_that_writes_fails_where_it_read_one(stores):
    """What it writes would rest on a value that may be another one already."""
    _, stock = stores

    async def body(tx):
        await tx.find_state(*ITEM)
        await tx.save_state("shop", "another", {})

    with pytest.raises(PreparedError):
        await AsyncTransactionManager(stock).run(body)
    assert await stock.find_state("shop", "another") is None


async def test_another_distributed_transaction_gives_up_at_once(stores):
    """It waits for nobody, and leaves nothing behind."""
    orders, stock = stores

    async def body(dtx):
        await dtx["orders"].save_state("shop", "another", {})
        await dtx["stock"].find_state(*ITEM)

    with pytest.raises(PreparedError):
        await transaction(orders, stock).run(body)
    assert len(await async_open_parts(orders)) == len(await async_open_parts(stock)) == 1
    assert await orders.find_state("shop", "another") is None


async def test_a_writer_who_knows_the_state_meets_the_mark(pair):
    """What it remembers of the state is not what is there any more."""
    _, stock = pair.opened()
    persister = AsyncStateMachinePersister(stock)
    await persister.log_transition(*ITEM, "count", to_status="counted", data={"n": 5})
    await async_left(pair, LONG, behind=True)
    with pytest.raises(PreparedError):
        await persister.log_transition(*ITEM, "count", to_status="counted", data={"n": 3})
    others = pair.opened()
    await async_settle(others[0])
    await async_settle(others[1], coordinator=others[0])
    assert (await persister.log_transition(*ITEM, "count", to_status="counted", data={"n": 3})).version == 4


async def test_what_is_due_is_made_once_it_is_settled(pair):
    """The worker steps past it, and counts no failure."""
    orders, _ = pair.opened()
    machine = Machine(
        "stock",
        "full",
        [Transition("empty", "full", "empty")],
        timeouts={"full": Timeout(dt.timedelta(microseconds=1), "empty")},
    )
    persister = AsyncStateMachinePersister(orders, machine)
    await persister.start("shop", "due", {})

    async def body(dtx):
        await dtx["orders"].find_state("shop", "due")
        await dtx["stock"].save_state(*ITEM, {})

    await async_left(pair, LONG, body, behind=True)
    assert await AsyncDueWorker(persister).run_once() == 0
    found, _ = await orders.get_state("shop", "due")
    assert (found.status, found.due_action) == ("full", "empty")
    assert await async_settle(orders) == 1
    assert await AsyncDueWorker(persister).run_once() == 1


async def test_maintenance_leaves_it_alone(pair):
    """A removal of what is not needed tells it, and goes on."""
    _, stock = pair.opened(maintenance=Maintenance(snapshot_interval=2))
    for n in range(5, 20):
        await stock.save_state(*ITEM, {"n": n})
    await async_left(pair)
    persister = AsyncStateMachinePersister(stock, config=PersistenceConfig(snapshot_retention=1))
    report = await persister.gc("shop")
    assert [one.state_id for one in report.left] == ["widget"]


async def test_chain_replay_and_verify_have_nothing_to_tell(pair):
    """What is prepared is no event, and a state that is not there yet is none; what is in doubt is told."""
    await async_left(pair)
    stores = orders, stock = pair.opened()
    for store in stores:
        async for report in async_verify(store, "shop"):
            assert report.is_consistent, report.problems
    assert (await AsyncStateMachinePersister(stock).replay(*ITEM)).data == {"n": 5}
    reports = [one async for one in async_verify(orders)]
    assert [one.kind for one in reports[-1].problems] == ["in_doubt_transaction"]


@pytest.mark.parametrize("is_decided", [False, True])
async def test_a_writer_settles_what_is_past_its_lease_and_goes_on(pair, is_decided):
    """Where it finds who decides: in its own store, or in one that it took part with; what was decided comes first."""
    await async_left(pair, behind=is_decided)
    orders, stock = pair.opened()
    assert await orders.save_state(*ORDER, {}) == 1 + is_decided
    stock.runtime.coordinators[orders.runtime.writer.origin] = orders.runtime.access
    assert await stock.save_state(*ITEM, {}) == 2 + is_decided
    assert await async_open_parts(orders) == await async_open_parts(stock) == []


@pytest.mark.parametrize("is_decided", [False, True])
async def test_a_lost_state_has_its_mark_again_when_it_is_recovered(pair, is_decided):
    """Its document was deleted, or damaged; what was prepared tells the mark."""
    await async_left(pair, behind=is_decided)
    orders, stock = pair.opened()
    await async_plant(stock, state_layout(*ITEM).state, status=7)
    with pytest.raises(PreparedError):
        await stock.save_state(*ITEM, {"n": 0})
    assert [one.unresolved async for one in async_recover(stock, "shop")] == [[]]
    assert (await stock.get_state(*ITEM))[0].prepared_by is not None
    await async_settle(orders)
    await async_settle(stock, coordinator=orders)
    assert await async_outcome_of(orders, stock) is is_decided
