# Generated from tests/_async/distributed/test_distributed_settling.py by .ci/generate_sync.py; do not edit.
"""Who settles what was left: where the decision is found, what an operator may do, and what is cleared away."""
import pytest

from tai_state import recover, verify
from tai_state.distributed import PreparedError, force, settle
from tai_state.documents import Delete
from tai_state.errors import InvalidDataError
from tai_state.layout import AUDIT, DISTRIBUTED, PREPARED, state_layout
from tai_state.rules.records.chain import state_digest
from tai_state.rules.records.documents import _state_from
from tests._sync.distributed.pair import (
    ITEM,
    ORDER,
    begun,
    left,
    open_parts,
    order,
    outcome_of,
    transaction,
)
from tests._sync.stores import TIMEOUT, document_at, plant, in_memory

ON_SQLITE = pytest.mark.parametrize("backend_kind", ["sqlite"])


def _unmark(store, path):
    """Write a state as it was before it was prepared, as one who restores a document does."""
    document = document_at(store, path)
    fields = {name: value for name, value in document.fields.items() if name != "prepared"}
    fields["digest"] = state_digest(_state_from(fields))
    store.runtime.access.backend.commit([Delete(path)], timeout=TIMEOUT)
    plant(store, path, **fields)


def _found(store):
    """Return the kinds of all problems of a store."""
    return [one.kind for report in verify(store) for one in report.problems]


def _repaired(store, **options):
    """Return the kinds of all that was repaired of a store; nothing is left."""
    kinds: list[str] = []
    for report in recover(store, **options):
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
def test_the_coordinator_is_found_by_its_url(pair):
    """A process that knows one store alone settles it by what stands with the part."""
    left(pair, behind=True)
    _, stock = pair.opened()
    assert settle(stock) == 1
    orders, _ = pair.opened()
    assert settle(orders) == 1
    assert outcome_of(orders, stock)


@ON_SQLITE
def test_another_store_at_the_url_decides_nothing(pair, location, tmp_path):
    """One that took the place of the coordinator's may lack its decisions; a path without a file stays without one."""
    left(pair, behind=True)
    _, stock = pair.opened()
    kept = tmp_path / "kept.db"
    for name in ("store.db", "store.db-wal", "store.db-shm"):
        file = location["path"].with_name(name)
        if file.exists():
            file.rename(kept.with_name(name.replace("store", "kept")))
    assert settle(stock) == 0
    assert not location["path"].exists()
    with pytest.raises(PreparedError):
        stock.save_state(*ITEM, {})


@in_memory
def test_a_store_of_another_id_is_no_coordinator(pair):
    """Also where the caller says that it is."""
    left(pair)
    _, stock = pair.opened()
    assert settle(stock, coordinator=stock) == 0
    (report,) = [one for one in recover(stock) if one.unresolved]
    assert [one.kind for one in report.unresolved] == ["in_doubt_transaction"]
    assert "not known here" in report.unresolved[0].message


def test_recover_settles_what_is_in_doubt(pair):
    """It tells what it would do, does it, and then there is nothing left to tell."""
    left(pair, behind=True)
    orders, stock = pair.opened()
    assert _found(orders) == ["in_doubt_transaction"]
    for dry_run in (True, False):
        for store in (orders, stock):
            assert _repaired(store, dry_run=dry_run, coordinator=orders) == ["in_doubt_transaction"]
    assert outcome_of(orders, stock)


def test_a_mark_that_is_gone_is_put_back_before_it_is_settled(pair):
    """By whoever settles; until then the check tells of it."""
    left(pair, behind=True)
    orders, stock = pair.opened()
    _unmark(stock, state_layout(*ITEM).state)
    assert _found(stock) == ["in_doubt_transaction", "lost_preparation"]
    assert _repaired(stock, coordinator=orders) == ["lost_preparation", "in_doubt_transaction"]
    settle(orders)
    assert outcome_of(orders, stock)


def test_a_state_that_was_changed_past_its_mark_is_told(pair):
    """Nobody guesses what it should be: the part stays, and what the other store has stays as it is."""
    left(pair, behind=True)
    orders, stock = pair.opened()
    _unmark(stock, state_layout(*ITEM).state)
    stock.save_state(*ITEM, {"n": 9})
    assert settle(stock, coordinator=orders) == 0
    (report,) = [one for one in recover(stock, coordinator=orders) if one.unresolved]
    assert "lost the mark" in report.unresolved[0].message
    assert (stock.get_state(*ITEM))[0].data == {"n": 9}


def test_what_nobody_knows_of_is_left_to_an_operator(pair):
    """Neither begin nor decision: it may have been committed elsewhere. Forced, a record says who and why."""
    left(pair)
    orders, stock = pair.opened()
    (begin,) = begun(orders)
    orders.runtime.access.backend.commit([Delete(begin)], timeout=TIMEOUT)
    assert settle(stock, coordinator=orders) == settle(orders) == 0
    (report,) = [one for one in recover(stock, coordinator=orders) if one.unresolved]
    assert "neither its begin nor a decision" in report.unresolved[0].message
    for store in (orders, stock):
        force(store, begin.id, commit=True, reason="the order was shipped")
    assert outcome_of(orders, stock)
    audit = [one for one in stock.runtime.access.scan(AUDIT)]
    assert [(one.fields["kind"], one.fields["reason"]) for one in audit] == [
        ("forced_settlement", "the order was shipped")
    ]
    (closed,) = [one.fields for one in stock.runtime.access.scan(PREPARED)]
    assert (closed["verdict"], closed["is_forced"]) == ("commit", True)


@in_memory
def test_forcing_needs_a_reason_and_something_open(pair):
    """What is settled is not forced once more."""
    left(pair)
    orders, _ = pair.opened()
    (begin,) = begun(orders)
    with pytest.raises(InvalidDataError, match="reason"):
        force(orders, begin.id, commit=True, reason=" ")
    assert settle(orders) == 1
    for transaction_id in (begin.id, "another"):
        with pytest.raises(InvalidDataError, match="transaction_id"):
            force(orders, transaction_id, commit=True, reason="why")


@in_memory
def test_one_part_that_cannot_be_settled_keeps_no_other_back(pair):
    """Damaged, or of a newer release; it is told, and stays."""
    left(pair, behind=True)
    orders, stock = pair.opened()
    (part,) = open_parts(stock)
    document = document_at(stock, part)
    plant(stock, part._replace(id="0"), **document.fields)
    plant(stock, part._replace(id="1"), **{**document.fields, "format": 99})
    assert settle(stock, coordinator=orders) == 1
    settle(orders)
    (report,) = [one for one in recover(stock) if one.unresolved]
    assert len(report.unresolved) == 2


def test_what_was_begun_and_never_prepared_is_cleared_by_those_who_know_all_stores(pair):
    """It is aborted, closed everywhere, and told."""
    orders, stock = pair.opened()
    transaction(orders, stock).run(order)
    (begin,) = begun(orders)
    steps = [one.path.id for one in orders.runtime.access.scan(f"{DISTRIBUTED}/{begin.id}/steps")]
    assert steps == ["decision", "settled@orders", "settled@stock"]
    assert transaction(orders, stock).recover() == 0


def test_those_who_listen_are_told_once_it_is_settled(pair):
    """In the process that settles: there it is durable."""
    left(pair, behind=True)
    orders, stock = pair.opened()
    told = []
    listener = stock.on_change(lambda event: told.append((event.state_id, event.version)))
    settle(stock, coordinator=orders)
    listener.close(5.0)
    assert told == [("widget", 2)]
    assert orders.find_state(*ORDER) is None
