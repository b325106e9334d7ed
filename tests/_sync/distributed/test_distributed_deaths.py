# Generated from tests/_async/distributed/test_distributed_deaths.py by .ci/generate_sync.py; do not edit.
"""Processes that die in a distributed transaction: whoever settles it, both stores agree, and nothing is left."""
import pytest

from tai_state import BackendStore
from tai_state.distributed import PreparedError, settle
from tai_state.errors import DeadlineExceededError
from tai_state.testing.faults import SimulatedCrash
from tests._sync.distributed.pair import (
    AT_ONCE,
    CALLS,
    ITEM,
    ORDER,
    Death,
    left,
    open_parts,
    order,
    outcome_of,
    transaction,
)
from tests._sync.stores import WrappedBackend, in_memory


@in_memory
def test_the_calls_are_counted(pair):
    """All of them: a call that is added is tried, too."""
    death = Death()
    transaction(*pair.dying(death)).run(order)
    assert death.calls == CALLS


@in_memory
@pytest.mark.parametrize("settlers", [(0, 1), (1, 0)], ids=["the coordinator's first", "the other one first"])
@pytest.mark.parametrize("behind", [False, True], ids=["before", "behind"])
@pytest.mark.parametrize("at", range(1, CALLS + 1))
def test_a_death_at_any_call_leaves_what_can_be_settled(pair, at, behind, settlers):
    """Once the lease is over: both stores or none, no mark, and whoever writes goes on."""
    with pytest.raises(SimulatedCrash):
        transaction(*pair.dying(Death(at, behind=behind)), lease=AT_ONCE).run(order)
    stores = pair.opened()
    # Whoever settles one store alone leaves the other to be settled by the same decision.
    for settler in settlers:
        settle(stores[settler], coordinator=pair.opened()[0])
    orders, stock = pair.opened()
    is_ordered = outcome_of(orders, stock)
    transaction(orders, stock).recover()
    assert outcome_of(orders, stock) is is_ordered
    _, version = stock.get_state(*ITEM)
    assert stock.save_state(*ITEM, {"n": 9}) == version + 1
    assert orders.save_state(*ORDER, {}) == 1 + is_ordered


@pytest.mark.parametrize("behind", [False, True], ids=["undecided", "decided"])
def test_what_a_dead_process_left_is_settled_by_the_decision(pair, behind):
    """It is committed where it was decided, and aborted where it was not; on every engine."""
    left(pair, behind=behind)
    orders, stock = pair.opened()
    assert len(open_parts(orders)) == len(open_parts(stock)) == 1
    assert settle(stock, coordinator=orders) == 1
    assert settle(orders) == 1
    assert outcome_of(orders, stock) is behind
    assert settle(orders) == settle(stock, coordinator=orders) == 0


@in_memory
@pytest.mark.parametrize("is_decided", [False, True])
@pytest.mark.parametrize("at", range(1, 10))
def test_two_who_settle_at_once_settle_it_once(pair, at, is_decided):
    """Before any call of the one the other settles all of it; then both go on."""
    left(pair, behind=is_decided)
    others = pair.opened()

    def another() -> None:
        for store in others:
            settle(store, coordinator=others[0])

    orders, stock = pair.interposed(at, another)
    settle(stock, coordinator=orders)
    settle(orders)
    another()
    assert outcome_of(*others) is is_decided


def test_while_the_lease_runs_nobody_settles_it(pair):
    """A slow coordinator is not dead."""
    left(pair, transaction(*pair.opened()).lease)
    orders, stock = pair.opened()
    assert settle(orders) == settle(stock, coordinator=orders) == 0
    with pytest.raises(PreparedError):
        stock.save_state(*ITEM, {"n": 0})


def test_a_late_coordinator_cannot_commit_what_was_aborted(pair):
    """Whoever met a mark past the lease has decided; the coordinator finds that, and says so."""
    orders, stock = pair.opened()
    others = pair.opened()

    class Late(WrappedBackend):
        """Lets others settle before a decision is sent."""

        def commit(self, writes, *, timeout):
            if any(write.path.id == "decision" for write in writes) and open_parts(others[0]):
                assert settle(others[0]) == 1
            return super().commit(writes, timeout=timeout)

    late = BackendStore(Late(orders.runtime.access.backend), actor="tester")
    with pytest.raises(DeadlineExceededError, match="lease of 1e-06 seconds"):
        transaction(late, stock, lease=AT_ONCE).run(order)
    assert not outcome_of(*others)
