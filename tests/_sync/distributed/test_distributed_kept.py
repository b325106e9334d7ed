# Generated from tests/_async/distributed/test_distributed_kept.py by .ci/generate_sync.py; do not edit.
"""What is kept of distributed transactions, for how long, and what of it goes into copies."""
from datetime import timedelta

from tai_state import MemoryStore, StateMachinePersister, export_store, import_store
from tai_state.distributed import settle
from tai_state.layout import PREPARED
from tai_state.testing import ManualClock
from tests._sync.distributed.pair import (
    ITEM,
    ORDER,
    Pair,
    begun,
    left,
    order,
    outcome_of,
    transaction,
)
from tests._sync.stores import Place


def _pair(clock):
    """Return two places of memory whose clock a test moves."""
    pair = Pair(Place("memory"), Place("memory"), "")
    _, stock = pair.opened(clock=clock)
    stock.save_state(*ITEM, {"n": 5})
    return pair


def _prepared(store):
    return [one.path for one in store.runtime.access.scan(PREPARED)]


def test_a_day_behind_the_last_settlement_all_is_cleared_away():
    """Begin, decision and notes in one go, and not before; closed parts stay for three days."""
    clock = ManualClock()
    pair = _pair(clock)
    orders, stock = pair.opened(clock=clock)
    transaction(orders, stock).run(order)
    for hours, known, closed in ((23, 1, 1), (2, 0, 1), (72, 0, 0)):
        clock.advance(hours * 3600)
        for store in (orders, stock):
            StateMachinePersister(store).gc()
        assert (len(begun(orders)), len(_prepared(stock))) == (known, closed)
    assert [one for one in orders.runtime.access.scan("distributed")] == []
    assert outcome_of(orders, stock)


def test_what_is_not_settled_everywhere_is_kept_for_as_long_as_it_takes():
    """However old it is: whoever settles the rest needs the decision."""
    clock = ManualClock()
    pair = _pair(clock)
    left(pair, behind=True)
    orders, stock = pair.opened(clock=clock)
    assert settle(orders) == 1
    clock.advance(timedelta(days=300).total_seconds())
    StateMachinePersister(orders).gc()
    assert len(begun(orders)) == 1
    assert settle(stock, coordinator=orders) == 1
    assert outcome_of(orders, stock)
    clock.advance(timedelta(hours=25).total_seconds())
    StateMachinePersister(orders).gc()
    assert begun(orders) == []


def test_a_copy_takes_part_in_nothing(pair, tmp_path):
    """An export holds the states as they were, without marks, and nothing of what is only prepared."""
    left(pair)
    for store, kept in zip(pair.opened(), (["other"], ["widget"]), strict=True):
        file = tmp_path / f"{kept[0]}.jsonl"
        report = export_store(store, file)
        assert report.left_out == []
        with MemoryStore() as copy:
            import_store(copy, file)
            assert [one.state_id for one in copy.list_states("shop", include_deleted=True)] == kept
            found, version = copy.get_state("shop", kept[0])
            assert (found.prepared_by, version) == (None, 1)
            assert copy.save_state("shop", kept[0], {}) == 2
            assert copy.save_state(*ORDER, {}) == 1
            assert _prepared(copy) == []
