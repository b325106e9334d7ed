"""Who settles what was left: where the decision is found, what an operator may do, and what is cleared away."""

import pytest

from tai_state import async_recover, async_verify
from tai_state.distributed import PreparedError, async_force, async_settle
from tai_state.documents import Delete
from tai_state.errors import InvalidDataError
from tai_state.layout import AUDIT, DISTRIBUTED, PREPARED, state_layout
from tai_state.rules.records.chain import state_digest
from tai_state.rules.records.documents import _state_from
from tests._async.distributed.pair import (
    ITEM,
    ORDER,
    async_begun,
    async_left,
    async_open_parts,
    async_order,
    async_outcome_of,
    transaction,
)
from tests._async.stores import TIMEOUT, async_document_at, async_plant, in_memory

ON_SQLITE = pytest.mark.parametrize("backend_kind", ["sqlite"])


async def _async_unmark(store, path):
    """Write a state as it was before it was prepared, as one who restores a document does."""
    document = await async_document_at(store, path)
    fields = {name: value for name, value in document.fields.items() if name != "prepared"}
    fields["digest"] = state_digest(_state_from(fields))
    await store.runtime.access.backend.commit([Delete(path)], timeout=TIMEOUT)
    await async_plant(store, path, **fields)


async def _async_found(store):
    """Return the kinds of all problems of a store."""
    return [one.kind async for report in async_verify(store) for one in report.problems]


async def _async_repaired(store, **options):
    """Return the kinds of all that was repaired of a store; nothing is left."""
    kinds: list[str] = []
    async for report in async_recover(store, **options):
        assert report.unresolved == []
        kinds += [one.kind for one in report.repaired]
    return kinds


@pytest.mark.parametrize(
    "backend_kind",
    [
        "sqlite",
        pytest.param("firestore", marks=pytest.mark.emulator),
        pytest.param("redis", marks=pytest.mark.more),
    ],
)
async def test_the_coordinator_is_found_by_its_url(pair):
    """A process that knows one store alone settles it by what stands with the part."""
    await async_left(pair, behind=True)
    _, stock = pair.opened()
    assert await async_settle(stock) == 1
    orders, _ = pair.opened()
    assert await async_settle(orders) == 1
    assert await async_outcome_of(orders, stock)


@ON_SQLITE
async def test_another_store_at_the_url_decides_nothing(pair, location, tmp_path):
    """One that took the place of the coordinator's may lack its decisions; a path without a file stays without one."""
    await async_left(pair, behind=True)
    _, stock = pair.opened()
    kept = tmp_path / "kept.db"
    for name in ("store.db", "store.db-wal", "store.db-shm"):
        file = location["path"].with_name(name)
        if file.exists():
            file.rename(kept.with_name(name.replace("store", "kept")))
    assert await async_settle(stock) == 0
    assert not location["path"].exists()
    with pytest.raises(PreparedError):
        await stock.save_state(*ITEM, {})


@in_memory
async def test_a_store_of_another_id_is_no_coordinator(pair):
    """Also where the caller says that it is."""
    await async_left(pair)
    _, stock = pair.opened()
    assert await async_settle(stock, coordinator=stock) == 0
    (report,) = [one async for one in async_recover(stock) if one.unresolved]
    assert [one.kind for one in report.unresolved] == ["in_doubt_transaction"]
    assert "not known here" in report.unresolved[0].message


async def test_recover_settles_what_is_in_doubt(pair):
    """It tells what it would do, does it, and then there is nothing left to tell."""
    await async_left(pair, behind=True)
    orders, stock = pair.opened()
    assert await _async_found(orders) == ["in_doubt_transaction"]
    for dry_run in (True, False):
        for store in (orders, stock):
            assert await _async_repaired(store, dry_run=dry_run, coordinator=orders) == ["in_doubt_transaction"]
    assert await async_outcome_of(orders, stock)


async def test_a_mark_that_is_gone_is_put_back_before_it_is_settled(pair):
    """By whoever settles; until then the check tells of it."""
    await async_left(pair, behind=True)
    orders, stock = pair.opened()
    await _async_unmark(stock, state_layout(*ITEM).state)
    assert await _async_found(stock) == ["in_doubt_transaction", "lost_preparation"]
    assert await _async_repaired(stock, coordinator=orders) == ["lost_preparation", "in_doubt_transaction"]
    await async_settle(orders)
    assert await async_outcome_of(orders, stock)


async def test_a_state_that_was_changed_past_its_mark_is_told(pair):
    """Nobody guesses what it should be: the part stays, and what the other store has stays as it is."""
    await async_left(pair, behind=True)
    orders, stock = pair.opened()
    await _async_unmark(stock, state_layout(*ITEM).state)
    await stock.save_state(*ITEM, {"n": 9})
    assert await async_settle(stock, coordinator=orders) == 0
    (report,) = [one async for one in async_recover(stock, coordinator=orders) if one.unresolved]
    assert "lost the mark" in report.unresolved[0].message
    assert (await stock.get_state(*ITEM))[0].data == {"n": 9}


async def test_what_nobody_knows_of_is_left_to_an_operator(pair):
    """Neither begin nor decision: it may have been committed elsewhere. Forced, a record says who and why."""
    await async_left(pair)
    orders, stock = pair.opened()
    (begin,) = await async_begun(orders)
    await orders.runtime.access.backend.commit([Delete(begin)], timeout=TIMEOUT)
    assert await async_settle(stock, coordinator=orders) == await async_settle(orders) == 0
    (report,) = [one async for one in async_recover(stock, coordinator=orders) if one.unresolved]
    assert "neither its begin nor a decision" in report.unresolved[0].message
    for store in (orders, stock):
        await async_force(store, begin.id, commit=True, reason="the order was shipped")
    assert await async_outcome_of(orders, stock)
    audit = [one async for one in stock.runtime.access.scan(AUDIT)]
    assert [(one.fields["kind"], one.fields["reason"]) for one in audit] == [
        ("forced_settlement", "the order was shipped")
    ]
    (closed,) = [one.fields async for one in stock.runtime.access.scan(PREPARED)]
    assert (closed["verdict"], closed["is_forced"]) == ("commit", True)


@in_memory
async def test_forcing_needs_a_reason_and_something_open(pair):
    """What is settled is not forced once more."""
    await async_left(pair)
    orders, _ = pair.opened()
    (begin,) = await async_begun(orders)
    with pytest.raises(InvalidDataError, match="reason"):
        await async_force(orders, begin.id, commit=True, reason=" ")
    assert await async_settle(orders) == 1
    for transaction_id in (begin.id, "another"):
        with pytest.raises(InvalidDataError, match="transaction_id"):
            await async_force(orders, transaction_id, commit=True, reason="why")


@in_memory
async def test_one_part_that_cannot_be_settled_keeps_no_other_back(pair):
    """Damaged, or of a newer release; it is told, and stays."""
    await async_left(pair, behind=True)
    orders, stock = pair.opened()
    (part,) = await async_open_parts(stock)
    document = await async_document_at(stock, part)
    await async_plant(stock, part._replace(id="0"), **document.fields)
    await async_plant(stock, part._replace(id="1"), **{**document.fields, "format": 99})
    assert await async_settle(stock, coordinator=orders) == 1
    await async_settle(orders)
    (report,) = [one async for one in async_recover(stock) if one.unresolved]
    assert len(report.unresolved) == 2


async def test_what_was_begun_and_never_prepared_is_cleared_by_those_who_know_all_stores(pair):
    """It is aborted, closed everywhere, and told."""
    orders, stock = pair.opened()
    await transaction(orders, stock).run(async_order)
    (begin,) = await async_begun(orders)
    steps = [one.path.id async for one in orders.runtime.access.scan(f"{DISTRIBUTED}/{begin.id}/steps")]
    assert steps == ["decision", "settled@orders", "settled@stock"]
    assert await transaction(orders, stock).recover() == 0


async def test_those_who_listen_are_told_once_it_is_settled(pair):
    """In the process that settles: there it is durable."""
    await async_left(pair, behind=True)
    orders, stock = pair.opened()
    told = []
    listener = stock.on_change(lambda event: told.append((event.state_id, event.version)))
    await async_settle(stock, coordinator=orders)
    await listener.close(5.0)
    assert told == [("widget", 2)]
    assert await orders.find_state(*ORDER) is None
