# Generated from tests/_async/recovery/test_no_second_history.py by .ci/generate_sync.py; do not edit.
"""A state that has lost its document is not made a second time, whatever of its first events was removed."""
import pytest

from tai_state import TransactionManager, CorruptLogError, StateExistsError, VersionConflictError
from tai_state.documents import Delete
from tests._sync.recovery.test_gc import COMPACT, S, check, grown, persisted
from tests._sync.stores import TIMEOUT, contents


def compacted(persister):
    persister.gc("g", history=COMPACT)


def trimmed(persister):
    persister.trim("g", "s", before_version=12)


def started(store):
    persisted(store).start("g", "s", {"n": 0})


def saved(store):
    store.save_state("g", "s", {"n": 0}, expected_version=0)


def in_transaction(store):
    def body(tx):
        tx.save_state("g", "s", {"n": 0}, expected_version=0)
        tx.save_state("g", "other", {"n": 0}, expected_version=0)

    TransactionManager(store).run(body)


@pytest.mark.parametrize("made", [started, saved, in_transaction])
@pytest.mark.parametrize("removed", [compacted, trimmed])
def test_a_lost_state_is_not_made_again(place, removed, made):
    """Its first event is gone, and its first segment refuses what the event would have refused."""
    store = place.store()
    removed(grown(store))
    store.runtime.access.backend.commit([Delete(S.state)], timeout=TIMEOUT)
    before = contents(store)
    with pytest.raises((StateExistsError, VersionConflictError), match="16"):
        made(place.store())
    assert contents(store) == before


@pytest.mark.parametrize("removed", [compacted, trimmed])
def test_what_may_be_over_goes_on_from_the_log(place, removed):
    """A change that takes the state as it is finds it by what is left, and writes its document again."""
    store = place.store()
    removed(grown(store))
    store.runtime.access.backend.commit([Delete(S.state)], timeout=TIMEOUT)
    assert place.store().save_state("g", "s", {"n": 7}) == 17
    check(store)


@pytest.mark.parametrize("made", [started, saved])
def test_a_state_of_which_segments_alone_are_left_is_not_made_again(place, made):
    """It is told so at once, with what to do: to try again helps nobody."""
    store = place.store()
    compacted(grown(store))
    events = [Delete(S.event(version)) for version in range(1, 17)]
    store.runtime.access.backend.commit([Delete(S.state), *events], timeout=TIMEOUT)
    before = contents(store)
    with pytest.raises(CorruptLogError, match="run recover first"):
        made(place.store())
    assert contents(store) == before
