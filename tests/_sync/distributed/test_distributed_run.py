# Generated from tests/_async/distributed/test_distributed_run.py by .ci/generate_sync.py; do not edit.
"""A transaction over several stores: both have it, or none."""
import random
from typing import Any

import pytest

from tai_state import BackendStore, StateMachinePersister, Machine, Transition
from tai_state.distributed import DistributedTransaction, settle
from tai_state.errors import ConfigurationError, DocumentTooLargeError, StoreClosedError, TransitionNotAllowedError
from tests._sync.distributed.pair import (
    ITEM,
    ORDER,
    begun,
    open_parts,
    order,
    outcome_of,
    transaction,
)
from tests._sync.stores import WrappedBackend, in_memory


def test_both_stores_have_what_was_decided(pair):
    """And the body's result is given back; nothing is left behind, and both histories are whole."""
    orders, stock = pair.opened()
    assert transaction(orders, stock).run(order) == 4
    assert outcome_of(orders, stock)
    assert [event.version for event in stock.get_events(*ITEM)] == [1, 2]


def test_what_one_store_refuses_leaves_both(pair):
    """The change of the other is not made, and no mark of it stays."""
    orders, stock = pair.opened()
    orders.save_state(*ORDER, {})
    machine = Machine("orders", "new", [Transition("pay", "new", "paid")])
    persister = StateMachinePersister(orders, machine)

    def body(dtx):
        dtx["stock"].save_state(*ITEM, {"n": 0})
        dtx["orders"].transition(persister, *ORDER, "pay")

    with pytest.raises(TransitionNotAllowedError):
        transaction(orders, stock).run(body)
    assert (stock.get_state(*ITEM))[0].data == {"n": 5}
    assert open_parts(stock) == open_parts(orders) == []


def test_an_exception_of_the_body_writes_nothing(pair):
    """It passes through, and the next one goes on."""
    orders, stock = pair.opened()

    def body(dtx):
        order(dtx)
        raise KeyError("why")

    with pytest.raises(KeyError, match="why"):
        transaction(orders, stock).run(body)
    assert not outcome_of(orders, stock)
    transaction(orders, stock).run(order)
    assert outcome_of(orders, stock)


def test_what_changed_meanwhile_is_read_again(pair):
    """The body runs once more on what is there now; what is decided rests on nothing that is not so."""
    orders, stock = pair.opened()
    _, another = pair.opened()
    runs = 0

    def body(dtx):
        nonlocal runs
        runs += 1
        found, _ = dtx["stock"].get_state(*ITEM)
        if runs == 1:
            another.save_state(*ITEM, {"n": 7})
        dtx["stock"].save_state(*ITEM, {"n": found.data["n"] - 1})
        dtx["orders"].save_state(*ORDER, {})

    transaction(orders, stock).run(body)
    assert runs == 2
    assert (stock.get_state(*ITEM))[0].data == {"n": 6}


def test_what_was_only_read_changes_for_nobody_until_it_is_decided(pair):
    """Each reads what the other writes, in the other store: one of the two is decided upon the other, or not at all."""
    orders, stock = pair.opened()
    seen = []

    def first(dtx):
        found, _ = dtx["stock"].get_state(*ITEM)
        seen.append(found.data["n"])
        if len(seen) == 1:
            transaction(*pair.opened()).run(second)
        dtx["orders"].save_state(*ORDER, {"seen": found.data["n"]})

    def second(dtx):
        found = dtx["orders"].find_state(*ORDER)
        dtx["stock"].save_state(*ITEM, {"n": 5 if found else 1})

    transaction(orders, stock).run(first)
    assert seen == [5, 1]
    assert (orders.get_state(*ORDER))[0].data == {"seen": 1}


def test_without_a_write_nothing_is_decided(pair):
    """And nothing is written, in any store."""
    orders, stock = pair.opened()

    def body(dtx):
        return [dtx["orders"].find_state(*ORDER), dtx["stock"].find_state(*ITEM)]

    found = transaction(orders, stock).run(body)
    assert (found[0], found[1].data) == (None, {"n": 5})
    assert settle(orders) == 0


def test_a_store_that_the_body_left_alone_takes_no_part(pair):
    """It need not even answer any more."""
    orders, stock = pair.opened()

    def body(dtx):
        dtx["orders"].save_state(*ORDER, {})

    transaction(orders, stock).run(body)
    assert [one.path for one in stock.runtime.access.scan("prepared")] == []
    assert (orders.get_state(*ORDER))[1] == 1


@in_memory
def test_two_names_of_one_store_are_refused(pair):
    """What is done there is one transaction of it."""
    orders, _ = pair.opened()
    with pytest.raises(ConfigurationError, match="one store"):
        DistributedTransaction(orders, {"a": orders, "b": orders}).run(order)


@in_memory
@pytest.mark.parametrize("name", ["", "\ud800", 7, "x" * 481])
def test_a_name_that_cannot_be_is_refused(pair, name):
    """Before anything is read."""
    orders, _ = pair.opened()
    stores = {name: orders}
    with pytest.raises(ConfigurationError):
        DistributedTransaction(orders, stores)


@in_memory
def test_names_are_as_free_as_ids(pair):
    """They stand in paths, escaped."""
    orders, stock = pair.opened()
    names = {"a/b@c": orders, "__x__": stock}

    def body(dtx):
        assert list(dtx) == list(names)
        dtx["a/b@c"].save_state("g/@~", "__s__", {})
        dtx["__x__"].save_state("g/@~", "__s__", {})

    DistributedTransaction(orders, names).run(body)
    for store in (orders, stock):
        assert (store.get_state("g/@~", "__s__"))[1] == 1


@in_memory
@pytest.mark.parametrize("which", [0, 1])
def test_a_store_that_is_drained_takes_no_part_any_more(pair, which):
    """Whichever it is; nothing is written in the other one either."""
    stores = pair.opened()
    stores[which].drain(1.0)
    with pytest.raises(StoreClosedError):
        transaction(*stores).run(order)
    assert not outcome_of(*pair.opened())


@in_memory
def test_a_name_that_nobody_has_is_told(pair):
    """With those that there are."""
    orders, stock = pair.opened()

    def body(dtx):
        dtx["stocks"].find_state(*ITEM)

    with pytest.raises(ConfigurationError, match="'orders', 'stock'"):
        transaction(orders, stock).run(body)


@in_memory
def test_a_store_of_the_other_colour_is_refused(pair):
    """At once."""
    orders, _ = pair.opened()
    stores: dict[str, Any] = {"a": object()}
    with pytest.raises(ConfigurationError):
        DistributedTransaction(orders, stores)


class NarrowBackend(WrappedBackend):
    """Takes commits of a few kilobytes."""

    def check_size(self, writes):
        size = sum(len(repr(write)) for write in writes)
        if size > 20_000:
            raise DocumentTooLargeError(size, 20_000, "the commit")


@in_memory
def test_what_could_never_be_settled_is_not_begun(pair):
    """It is tried before: made as small as it can be, and refused where that is too large."""
    orders, stock = pair.opened()
    narrow = BackendStore(NarrowBackend(stock.runtime.access.backend), actor="tester")

    def large(dtx):
        order(dtx)
        dtx["stock"].save_state("shop", "large", {"text": random.Random(7).randbytes(30_000).hex()})

    def repetitive(dtx):
        order(dtx)
        dtx["stock"].save_state("shop", "large", {"text": "x" * 30_000})

    with pytest.raises(DocumentTooLargeError):
        transaction(orders, narrow).run(large)
    assert begun(orders) == open_parts(narrow) == []
    transaction(orders, narrow).run(repetitive)
    assert (stock.get_state("shop", "large"))[1] == 1
