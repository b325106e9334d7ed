# Generated from tests/_async/recovery/test_recover_together.py by .ci/generate_sync.py; do not edit.
"""What a recovery writes in one commit: as little as is safe, and never more than a store takes without telling."""
from tai_state import BackendStore, StateMachinePersister, DocumentTooLargeError
from tests._sync.machines import COUNTER
from tests._sync.recovery.damages import CASES, CONFIG, S, T, live, sound_contents
from tests._sync.stores import TIMEOUT, WrappedBackend, document_at, plant

WRITES_OF_TWO_REPAIRS = 4


def test_only_what_overwrites_another_event_shares_its_commit(place):
    """Two events changed places, and eight are missing that their segments have: each of these goes for itself."""
    store, backend = place.counting()
    persister = live(store)
    sound = sound_contents(store)
    CASES["unsealed events swapped"].damage(store)
    CASES["all sealed events deleted"].damage(store)
    backend.commits.clear()
    report = persister.recover("g")
    assert (len(report.repaired), report.unresolved) == (10, [])
    assert max(map(len, backend.commits)) == WRITES_OF_TWO_REPAIRS
    assert sound_contents(store) == sound


def test_an_event_that_is_missing_and_stands_elsewhere_shares_the_commit_of_that_place(place):
    """The place is the only copy of it: nothing is lost between the two."""
    store, backend = place.counting()
    persister = live(store)
    sound = sound_contents(store)
    CASES["distant events swapped"].damage(store)
    backend.commits.clear()
    assert (persister.recover("g")).unresolved == []
    (together,) = [commit for commit in backend.commits if len(commit) == WRITES_OF_TWO_REPAIRS]
    assert {S.event(9), S.event(11)} <= {write.path for write in together}
    assert sound_contents(store) == sound


class NarrowBackend(WrappedBackend):
    """Takes so few writes in one commit that two repairs are too many."""

    def commit(self, writes, *, timeout):
        if len(writes) >= WRITES_OF_TWO_REPAIRS:
            raise DocumentTooLargeError(len(writes), WRITES_OF_TWO_REPAIRS - 1, "the commit")
        return super().commit(writes, timeout=timeout)


def test_what_no_commit_takes_is_left_and_the_rest_is_mended(place):
    """It is told as unresolved, with a copy in quarantine; the run goes on behind it."""
    store = place.store()
    live(store)
    CASES["unsealed events swapped"].damage(store)
    plant(store, T.state, status="open", data={"n": 99})
    swapped = [document_at(store, S.event(version)) for version in (9, 10)]
    narrow = BackendStore(NarrowBackend(store.runtime.access.backend), actor="tester")
    for mended in (["corrupt_state"], []):
        report = StateMachinePersister(narrow, COUNTER, CONFIG).recover("g")
        assert [one.kind for one in report.repaired] == mended
        assert [(one.kind, one.version) for one in report.unresolved] == [("corrupt_event", 9), ("corrupt_event", 10)]
    assert [document_at(store, S.event(version)) for version in (9, 10)] == swapped
    assert len([one for one in store.runtime.access.backend.scan(S.governor.quarantine, timeout=TIMEOUT)]) == 2
