# Generated from tests/_async/distributed/test_distributed_participants.py by .ci/generate_sync.py; do not edit.
"""Resources of a user's own that take part."""
from datetime import timedelta
from typing import Any

import pytest

from tai_state.distributed import DistributedTransaction, Participant, PreparedError
from tai_state.errors import ConfigurationError, StateNotFoundError
from tai_state.testing.faults import SimulatedCrash
from tests._sync.distributed.pair import AT_ONCE, ITEM, ORDER, Death, begun, left, order
from tests._sync.stores import in_memory


class Outbox(Participant):
    """Sends what was written once it is committed; what was prepared outlives a process."""

    def __init__(self, kept=None):
        self.drafts: dict[str, list[str]] = {}
        self.prepared: dict[str, list[str]] = {} if kept is None else kept.prepared
        self.sent: list[str] = [] if kept is None else kept.sent
        self.refuses = False
        self.dies_at = ""

    def write(self, transaction_id, text):
        self.drafts.setdefault(transaction_id, []).append(text)

    def prepare(self, transaction_id):
        self._die("prepare")
        if self.refuses:
            message = "the outbox is full"
            raise ValueError(message)
        self.prepared[transaction_id] = self.drafts.pop(transaction_id, [])

    def commit(self, transaction_id):
        self._die("commit")
        self.sent += self.prepared.pop(transaction_id, [])

    def abort(self, transaction_id):
        self._die("abort")
        self.drafts.pop(transaction_id, None)
        self.prepared.pop(transaction_id, None)

    def recover(self):
        return list(self.prepared)

    def _die(self, name):
        if self.dies_at == name:
            message = "the process is dead"
            raise SimulatedCrash(message)


def notified(dtx):
    """Order, and say so."""
    left = order(dtx)
    dtx["outbox"].write(dtx.transaction_id, f"{left} left")


def notifying(orders, stock, outbox, **options):
    """Return the transaction in which the outbox takes part."""
    stores = {"orders": orders, "stock": stock}
    return DistributedTransaction(orders, stores, participants={"outbox": outbox}, **options)


def test_a_participant_does_what_the_stores_do(pair):
    """It is prepared with them, and committed with them."""
    orders, stock = pair.opened()
    outbox = Outbox()
    notifying(orders, stock, outbox).run(notified)
    assert (outbox.sent, outbox.prepared, outbox.drafts) == (["4 left"], {}, {})
    assert (orders.get_state(*ORDER))[1] == 1


def test_what_a_participant_refuses_leaves_the_stores(pair):
    """Its error passes through; nothing of it is left anywhere."""
    orders, stock = pair.opened()
    outbox = Outbox()
    outbox.refuses = True
    with pytest.raises(ValueError, match="full"):
        notifying(orders, stock, outbox).run(notified)
    with pytest.raises(StateNotFoundError):
        orders.get_state(*ORDER)
    assert (stock.get_state(*ITEM))[0].prepared_by is None
    assert (outbox.sent, outbox.prepared, outbox.drafts) == ([], {}, {})


@in_memory
def test_a_body_that_fails_leaves_nothing_with_a_participant(pair):
    """What was written under the id of that attempt is dropped."""
    orders, stock = pair.opened()
    outbox = Outbox()

    def body(dtx):
        notified(dtx)
        raise KeyError

    with pytest.raises(KeyError):
        notifying(orders, stock, outbox).run(body)
    assert (outbox.sent, outbox.prepared, outbox.drafts) == ([], {}, {})


@in_memory
@pytest.mark.parametrize("dies_at", ["prepare", "commit", "abort", "decision", "behind the decision"])
def test_a_participant_is_recovered_by_the_decision(pair, dies_at):
    """It sends what was committed, once; what was not decided is aborted in all of them."""
    outbox = Outbox()
    outbox.dies_at = dies_at
    outbox.refuses = dies_at == "abort"
    death = Death(writing="decision" if "decision" in dies_at else "never", behind="behind" in dies_at)
    orders, stock = pair.dying(death)
    with pytest.raises((SimulatedCrash, ValueError)):
        notifying(orders, stock, outbox, lease=AT_ONCE).run(notified)
    again = Outbox(outbox)
    orders, stock = pair.opened()
    for _ in range(2):
        notifying(orders, stock, again).recover()
    is_ordered = orders.find_state(*ORDER) is not None
    assert is_ordered is (dies_at in {"commit", "behind the decision"})
    assert (again.sent, again.prepared) == (["4 left"] if is_ordered else [], {})
    assert stock.save_state(*ITEM, {}) == 2 + is_ordered
    for begin in begun(orders):
        steps = [one.path.id for one in orders.runtime.access.scan(f"{begin}/steps")]
        assert steps == ["decision", "settled@orders", "settled@outbox", "settled@stock"]


@in_memory
def test_a_participant_of_the_other_colour_is_refused(pair):
    """So is one that has the name of a store."""
    orders, _ = pair.opened()
    taking_part: list[Any] = [{"outbox": object()}, {"orders": Outbox()}]
    for participants in taking_part:
        with pytest.raises(ConfigurationError):
            DistributedTransaction(orders, {"orders": orders}, participants=participants)


@in_memory
def test_a_participant_drops_what_never_comes_to_be_prepared(pair):
    """Another transaction has a state in hand."""
    left(pair, timedelta(seconds=30))
    orders, stock = pair.opened()
    outbox = Outbox()
    with pytest.raises(PreparedError):
        notifying(orders, stock, outbox).run(notified)
    assert (outbox.prepared, outbox.drafts) == ({}, {})


@in_memory
def test_a_participant_drops_what_rests_on_what_has_changed(pair):
    """The body begins anew, under another id."""
    orders, stock = pair.opened()
    outbox = Outbox()
    runs = 0

    def body(dtx):
        nonlocal runs
        runs += 1
        notified(dtx)
        if runs == 1:
            pair.opened()[1].save_state(*ITEM, {"n": 9})

    notifying(orders, stock, outbox).run(body)
    assert (outbox.sent, outbox.prepared, outbox.drafts) == (["8 left"], {}, {})
