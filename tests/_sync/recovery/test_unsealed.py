# Generated from tests/_async/recovery/test_unsealed.py by .ci/generate_sync.py; do not edit.
"""What only transactions change is sealed by no change of it: maintenance seals it, and loses nothing."""
from functools import partial
from typing import Any

from tai_state import BackendStore, TransactionManager
from tai_state._platform.tasks import gather
from tai_state.documents import Delete, Put
from tests._sync.recovery.test_gc import COMPACT, S, check, ids, versions, persisted
from tests._sync.stores import TIMEOUT, WrappedBackend, contents, in_memory


class OvertakenBackend(WrappedBackend):
    """Lets another writer go before the first commit of a segment."""

    overtaking: Any = None

    def commit(self, writes, *, timeout):
        is_sealing = any(isinstance(one, Put) and one.path.collection == S.governor.segments for one in writes)
        if is_sealing and self.overtaking is not None:
            overtaking, self.overtaking = self.overtaking, None
            overtaking()
        return super().commit(writes, timeout=timeout)


def saved(store, count=10, state_id="s"):
    """Bring a state to a version by transactions alone; a segment holds three events."""
    manager = TransactionManager(store)
    for number in range(count):

        def body(tx, number=number):
            tx.save_state("g", state_id, {"n": number})

        manager.run(body)


def test_what_transactions_wrote_is_sealed_and_compacted(store):
    """By the first run; the next has nothing to do, and the state goes on."""
    saved(store)
    assert ids(store, "segments") == []
    events = [event for event in store.get_events("g", "s")]
    persister = persisted(store)
    report = persister.gc("g", dry_run=True)
    assert (report.sealed, report.documents, ids(store, "segments")) == (9, 0, [])
    report = persister.gc("g")
    assert (report.sealed, report.documents, report.left) == (9, 0, [])
    assert ids(store, "segments") == [1, 4, 7]
    report = persister.gc("g", history=COMPACT)
    assert (report.sealed, report.events, ids(store, "events")) == (0, 9, [10])
    assert [event for event in store.get_events("g", "s")] == events
    saved(store, 1)
    assert versions(store) == [*range(1, 12)]
    check(store)


def test_a_writer_that_is_faster_is_not_lost(place):
    """Its change stands, and what was due is sealed behind it."""
    backend = OvertakenBackend(place.store().runtime.access.backend)
    store = BackendStore(backend)
    saved(store)
    backend.overtaking = lambda: saved(store, 1)
    report = persisted(store).gc("g")
    assert (report.sealed, backend.overtaking) == (9, None)
    assert versions(store) == [*range(1, 12)]
    check(store)


def test_two_runs_at_once_seal_the_same(store):
    """Whoever comes second finds it done."""
    saved(store)
    gather([partial(persisted(store).gc, "g") for _ in range(3)])
    assert ids(store, "segments") == [1, 4, 7]
    check(store)


@in_memory
def test_a_gap_is_not_sealed(store):
    """Nothing is invented: what is damaged stays as it is, for who repairs it."""
    saved(store)
    store.runtime.access.backend.commit([Delete(S.event(2))], timeout=TIMEOUT)
    before = contents(store)
    assert (persisted(store).gc("g")).sealed == 0
    assert contents(store) == before
