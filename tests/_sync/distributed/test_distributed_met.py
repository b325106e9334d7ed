# Generated from tests/_async/distributed/test_distributed_met.py by .ci/generate_sync.py; do not edit.
"""Transactions that meet what a process has left of a distributed one: past its lease they settle it, and go on."""
import datetime as dt
import time

import pytest

from tai_state import TransactionManager
from tai_state.distributed import PreparedError
from tai_state.layout import state_layout
from tai_state.rules.records.prepared import Closed, prepared_path
from tests._sync.dependents import start_all, statuses, persister_of
from tests._sync.distributed.pair import ITEM, ORDER, left, open_parts, transaction
from tests._sync.stores import document_at, plant, in_memory

LONG = dt.timedelta(seconds=30)

each_verdict = pytest.mark.parametrize("is_decided", [False, True], ids=["undecided", "decided"])


def taking(tx):
    """Take one more of the stock, and return how many were there."""
    found, _ = tx.get_state(*ITEM)
    tx.save_state(*ITEM, {"n": found.data["n"] - 1})
    return found.data["n"]


def looking(tx):
    """Write down how many are in stock, elsewhere."""
    found, _ = tx.get_state(*ITEM)
    tx.save_state("shop", "note", {"seen": found.data["n"]})
    return found.data["n"]


def _opened(pair):
    """Return one more store of each; that of the stock knows that of the orders."""
    orders, stock = pair.opened()
    orders.get_state("shop", "other")
    (part,) = open_parts(stock)
    document = document_at(stock, part)
    stock.runtime.coordinators[document.fields["coordinator_id"]] = orders.runtime.access
    return orders, stock


@each_verdict
@pytest.mark.parametrize("body", [taking, looking], ids=["writes it", "only reads it"])
def test_a_transaction_settles_what_is_past_its_lease_and_goes_on(pair, is_decided, body):
    """What was decided comes first: the body runs again, on what is there then."""
    left(pair, behind=is_decided)
    _, stock = _opened(pair)
    assert TransactionManager(stock).run(body) == (4 if is_decided else 5)
    assert open_parts(stock) == []
    found, version = stock.get_state(*ITEM)
    numbers = {(taking, True): (3, 3), (taking, False): (4, 2), (looking, True): (4, 2)}
    assert (found.data["n"], version) == numbers.get((body, is_decided), (5, 1))


@each_verdict
def test_a_transaction_makes_what_was_only_prepared_to_be_made(pair, is_decided):
    """It finds what was decided, or nothing."""
    left(pair, behind=is_decided)
    orders, _ = _opened(pair)

    def body(tx):
        found = tx.find_state(*ORDER)
        tx.save_state(*ORDER, {"mine": True})
        return found is not None

    assert TransactionManager(orders).run(body) is is_decided
    assert (orders.get_state(*ORDER))[1] == 1 + is_decided
    assert open_parts(orders) == []


def test_a_reaction_settles_what_keeps_a_dependent(pair):
    """A single move that has dependents is a transaction of its own."""
    orders, _ = pair.opened()
    start_all(persister_of(orders), a=(), b=["a"])

    def body(dtx):
        dtx["orders"].find_state("g", "b")
        dtx["stock"].save_state(*ITEM, {"n": 4})

    left(pair, body=body)
    orders, _ = _opened(pair)
    persister_of(orders).transition("g", "a", "fail")
    assert statuses(orders, "a", "b") == ["failed", "blocked"]


@each_verdict
def test_a_distributed_transaction_settles_what_another_one_left(pair, is_decided):
    """In each of its stores; then it goes on."""
    left(pair, behind=is_decided)
    orders, stock = _opened(pair)

    def body(dtx):
        found = dtx["orders"].find_state(*ORDER)
        dtx["orders"].save_state(*ORDER, {})
        return found is not None, taking(dtx["stock"])

    assert transaction(orders, stock).run(body) == (is_decided, 4 if is_decided else 5)
    assert open_parts(orders) == open_parts(stock) == []


def test_a_block_that_meets_one_settles_it_for_the_next(pair):
    """It runs once, so its own error is what it met; the block that is begun anew goes through."""
    left(pair)
    _, stock = _opened(pair)
    with pytest.raises(PreparedError):
        with TransactionManager(stock).begin() as tx:
            taking(tx)
    with TransactionManager(stock).begin() as tx:
        assert taking(tx) == 5
    assert (stock.get_state(*ITEM))[0].data == {"n": 4}


def test_while_the_lease_runs_a_transaction_settles_nothing(pair):
    """Its error says what it met; once more, where it met it within the block."""
    left(pair, LONG)
    orders, stock = _opened(pair)
    for body in (taking, looking):
        with pytest.raises(PreparedError):
            TransactionManager(stock).run(body)
    assert len(open_parts(orders)) == len(open_parts(stock)) == 1
    assert stock.find_state("shop", "note") is None


@in_memory
def test_a_mark_that_stays_behind_its_part_is_told_at_once(pair):
    """A document that was restored by hand: nobody goes round in circles until the time is over."""
    left(pair)
    orders, stock = _opened(pair)
    (part,) = open_parts(stock)
    marked = document_at(stock, state_layout(*ITEM).state)
    assert (transaction(orders, stock).recover()) == 2
    plant(stock, state_layout(*ITEM).state, **marked.fields)
    closed = document_at(stock, prepared_path(part.id))
    assert closed.fields["verdict"] == Closed(part.id, "abort").verdict
    began = time.monotonic()
    with pytest.raises(PreparedError):
        TransactionManager(stock).run(taking)
    assert time.monotonic() - began < 15.0
