# Generated from tests/_async/commits/test_writers.py by .ci/generate_sync.py; do not edit.
"""Who counts in the clock of a state: each store, and each writer of one that has a name of its own."""
import pytest

from tai_state import StateMachinePersister, TransactionManager, ConfigurationError, Machine, Transition
from tai_state.testing import FaultyStore, Faults

COUNTER = Machine("counter", "on", [Transition("add", "on", "on")])


def clock(store):
    """Return the counters of a state."""
    return (store.get_state("g", "s"))[0].causality.root


def test_a_store_counts_its_own_changes(place):
    """As its id, whoever makes them."""
    with place.store() as one, place.store() as other:
        one.save_state("g", "s", {"n": 1})
        other.save_state("g", "s", {"n": 2})
        events = [event for event in one.get_events("g", "s")]
        assert clock(one) == {events[0].origin: 2}


def test_a_writer_with_a_name_counts_beside_his_store(place):
    """Through whatever he changes: the store, a persister, a transaction."""
    with place.store(node="edge") as store, place.store() as plain:
        persister = StateMachinePersister(store, COUNTER)
        event = (persister.start("g", "s", {})).event
        persister.transition("g", "s", "add")
        store.save_state("g", "s", {"n": 1})

        def body(tx):
            tx.save_state("g", "s", {"n": 2})

        TransactionManager(store).run(body)
        assert clock(store) == {f"{event.origin}/edge": 4}
        plain.save_state("g", "s", {"n": 3})
        assert clock(store) == {f"{event.origin}/edge": 4, event.origin: 1}


def test_a_store_with_faults_has_the_name_of_the_one_that_it_wraps(place):
    """A test sees what users see."""
    store = FaultyStore(place.store(node="edge"), faults=Faults())
    version = store.save_state("g", "s", {})
    assert version == 1
    assert [key.partition("/")[2] for key in clock(store)] == ["edge"]


@pytest.mark.parametrize("node", ["", 7, "a/b", "\ud800", "x" * 481])
def test_what_is_no_name_of_a_writer_is_refused(place, node):
    """Before anything is opened."""
    with pytest.raises(ConfigurationError, match="node"):
        place.store(node=node)
