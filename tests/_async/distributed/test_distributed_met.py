"""Transactions that meet what a process has left of a distributed one: past its lease they settle it, and go on."""

import datetime as dt
import time

import pytest

from tai_state import AsyncTransactionManager
from tai_state.distributed import PreparedError
from tai_state.layout import state_layout
from tai_state.rules.records.prepared import Closed, prepared_path
from tests._async.dependents import async_start_all, async_statuses, persister_of
from tests._async.distributed.pair import ITEM, ORDER, async_left, async_open_parts, transaction
from tests._async.stores import async_document_at, async_plant, in_memory

LONG = dt.timedelta(seconds=30)

each_verdict = pytest.mark.parametrize("is_decided", [False, True], ids=["undecided", "decided"])


async def async_taking(tx):
    """Take one more of the stock, and return how many were there."""
    found, _ = await tx.get_state(*ITEM)
    await tx.save_state(*ITEM, {"n": found.data["n"] - 1})
    return found.data["n"]


async def async_looking(tx):
    """Write down how many are in stock, elsewhere."""
    found, _ = await tx.get_state(*ITEM)
    await tx.save_state("shop", "note", {"seen": found.data["n"]})
    return found.data["n"]


async def _async_opened(pair):
    """Return one more store of each; that of the stock knows that of the orders."""
    orders, stock = pair.opened()
    await orders.get_state("shop", "other")
    (part,) = await async_open_parts(stock)
    document = await async_document_at(stock, part)
    stock.runtime.coordinators[document.fields["coordinator_id"]] = orders.runtime.access
    return orders, stock


@each_verdict
@pytest.mark.parametrize("body", [async_taking, async_looking], ids=["writes it", "only reads it"])
async def test_a_transaction_settles_what_is_past_its_lease_and_goes_on(pair, is_decided, body):
    """What was decided comes first: the body runs again, on what is there then."""
    await async_left(pair, behind=is_decided)
    _, stock = await _async_opened(pair)
    assert await AsyncTransactionManager(stock).run(body) == (4 if is_decided else 5)
    assert await async_open_parts(stock) == []
    found, version = await stock.get_state(*ITEM)
    numbers = {(async_taking, True): (3, 3), (async_taking, False): (4, 2), (async_looking, True): (4, 2)}
    assert (found.data["n"], version) == numbers.get((body, is_decided), (5, 1))


@each_verdict
async def test_a_transaction_makes_what_was_only_prepared_to_be_made(pair, is_decided):
    """It finds what was decided, or nothing."""
    await async_left(pair, behind=is_decided)
    orders, _ = await _async_opened(pair)

    async def body(tx):
        found = await tx.find_state(*ORDER)
        await tx.save_state(*ORDER, {"mine": True})
        return found is not None

    assert await AsyncTransactionManager(orders).run(body) is is_decided
    assert (await orders.get_state(*ORDER))[1] == 1 + is_decided
    assert await async_open_parts(orders) == []


async def test_a_reaction_settles_what_keeps_a_dependent(pair):
    """A single move that has dependents is a transaction of its own."""
    orders, _ = pair.opened()
    await async_start_all(persister_of(orders), a=(), b=["a"])

    async def body(dtx):
        await dtx["orders"].find_state("g", "b")
        await dtx["stock"].save_state(*ITEM, {"n": 4})

    await async_left(pair, body=body)
    orders, _ = await _async_opened(pair)
    await persister_of(orders).transition("g", "a", "fail")
    assert await async_statuses(orders, "a", "b") == ["failed", "blocked"]


@each_verdict
async def test_a_distributed_transaction_settles_what_another_one_left(pair, is_decided):
    """In each of its stores; then it goes on."""
    await async_left(pair, behind=is_decided)
    orders, stock = await _async_opened(pair)

    async def body(dtx):
        found = await dtx["orders"].find_state(*ORDER)
        await dtx["orders"].save_state(*ORDER, {})
        return found is not None, await async_taking(dtx["stock"])

    assert await transaction(orders, stock).run(body) == (is_decided, 4 if is_decided else 5)
    assert await async_open_parts(orders) == await async_open_parts(stock) == []


async def test_a_block_that_meets_one_settles_it_for_the_next(pair):
    """It runs once, so its own error is what it met; the block that is begun anew goes through."""
    await async_left(pair)
    _, stock = await _async_opened(pair)
    with pytest.raises(PreparedError):
        async with AsyncTransactionManager(stock).begin() as tx:
            await async_taking(tx)
    async with AsyncTransactionManager(stock).begin() as tx:
        assert await async_taking(tx) == 5
    assert (await stock.get_state(*ITEM))[0].data == {"n": 4}


async def test_while_the_lease_runs_a_transaction_settles_nothing(pair):
    """Its error says what it met; once more, where it met it within the block."""
    await async_left(pair, LONG)
    orders, stock = await _async_opened(pair)
    for body in (async_taking, async_looking):
        with pytest.raises(PreparedError):
            await AsyncTransactionManager(stock).run(body)
    assert len(await async_open_parts(orders)) == len(await async_open_parts(stock)) == 1
    assert await stock.find_state("shop", "note") is None


@in_memory
async def test_a_mark_that_stays_behind_its_part_is_told_at_once(pair):
    """A document that was restored by hand: nobody goes round in circles until the time is over."""
    await async_left(pair)
    orders, stock = await _async_opened(pair)
    (part,) = await async_open_parts(stock)
    marked = await async_document_at(stock, state_layout(*ITEM).state)
    assert (await transaction(orders, stock).recover()) == 2
    await async_plant(stock, state_layout(*ITEM).state, **marked.fields)
    closed = await async_document_at(stock, prepared_path(part.id))
    assert closed.fields["verdict"] == Closed(part.id, "abort").verdict
    began = time.monotonic()
    with pytest.raises(PreparedError):
        await AsyncTransactionManager(stock).run(async_taking)
    assert time.monotonic() - began < 15.0
