# Generated from tests/_async/distributed/test_distributed_reactions.py by .ci/generate_sync.py; do not edit.
"""What depends on a state that a distributed transaction moves: it reacts within the part of that store."""
import datetime as dt

import pytest

from tai_state.distributed import PreparedError, settle
from tai_state.testing.faults import SimulatedCrash
from tests._sync.dependents import ALERT, sound, start_all, statuses, versions, persister_of
from tests._sync.distributed.pair import ITEM, Death, open_parts, transaction

LEASE = dt.timedelta(microseconds=1)


def _started(pair):
    """Start a job on which another one depends, on which an alert does."""
    orders, _ = pair.opened()
    start_all(persister_of(orders), a=(), b=["a"])
    persister_of(orders, ALERT).start("g", "c", depends_on=["b"])


def failing(orders):
    """Return the body that lets the first job fail, and takes one of the stock."""
    jobs = persister_of(orders)

    def body(dtx):
        dtx["orders"].transition(jobs, "g", "a", "fail")
        dtx["stock"].save_state(*ITEM, {"n": 4})

    return body


@pytest.mark.parametrize("is_decided", [False, True])
def test_dependents_react_with_the_part_that_is_settled(pair, is_decided):
    """In the commit that settles it, all of them or none; until then they are held as the state itself is."""
    _started(pair)
    dying = pair.dying(Death(writing="decision", behind=is_decided))
    with pytest.raises(SimulatedCrash):
        transaction(*dying, lease=LEASE).run(failing(dying[0]))
    orders, stock = pair.opened()
    assert statuses(orders, "a", "b", "c") == ["new", "new", "quiet"]
    held = [(orders.get_state("g", one))[0].prepared_by for one in "abc"]
    (part,) = open_parts(orders)
    assert held == [part.id] * 3
    assert settle(orders) == settle(stock, coordinator=orders) == 1
    left = ["failed", "blocked", "loud"] if is_decided else ["new", "new", "quiet"]
    assert statuses(orders, "a", "b", "c") == left
    assert versions(orders, "a", "b", "c") == ([2, 2, 2] if is_decided else [1, 1, 1])
    assert (stock.get_state(*ITEM))[0].data == {"n": 4 if is_decided else 5}
    if is_decided:
        events = [[one for one in orders.get_events("g", state, after=1)] for state in "abc"]
        assert [(one.kind, one.payload) for (one,) in events[1:]] == [
            ("reaction", {"state_id": "a", "status": "failed"}),
            ("reaction", {"state_id": "b", "status": "blocked"}),
        ]
        assert len({one.committed_at for (one,) in events}) == 1
    assert sound(persister_of(orders))


def test_dependents_have_reacted_once_it_is_run(pair):
    """As they do within one store; those of the other store's states are none of its business."""
    _started(pair)
    orders, stock = pair.opened()
    transaction(orders, stock).run(failing(orders))
    assert statuses(orders, "a", "b", "c") == ["failed", "blocked", "loud"]
    assert sound(persister_of(orders))


def test_what_depends_on_a_state_in_hand_is_not_moved_by_others(pair):
    """Neither by itself, nor by what else it depends on: its reaction is written already."""
    _started(pair)
    orders, _ = pair.opened()
    persister_of(orders).start("g", "d", depends_on=["a"])
    persister_of(orders).start("g", "e")
    dying = pair.dying(Death(writing="decision", behind=True))
    with pytest.raises(SimulatedCrash):
        transaction(*dying).run(failing(dying[0]))
    jobs = persister_of(orders)
    for move in (("b", "run"), ("d", "run")):
        with pytest.raises(PreparedError):
            jobs.transition("g", *move)
    with pytest.raises(PreparedError):
        jobs.start("g", "f", depends_on=["d"])
    assert (jobs.transition("g", "e", "run")).version == 2
