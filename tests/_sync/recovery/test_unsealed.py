# Generated from tests/_async/recovery/test_unsealed.py by .ci/generate_sync.py; do not edit.
"""What only transactions change is sealed by no change of it: maintenance seals it, and loses nothing."""
from functools import partial
from typing import Any

from tai_state import BackendStore, TransactionManager
from tai_state._sync.recovery.unsealed import Unsealed
from tai_state._platform.tasks import gather
from tai_state.documents import Delete, Put
from tai_state.rules.records.documents import read_state
from tests._sync.recovery.test_gc import COMPACT, S, check, ids, versions, persisted
from tests._sync.stores import TIMEOUT, WrappedBackend, contents, document_at, in_memory


class OvertakenBackend(WrappedBackend):
    """Lets another writer go before the first commits of a segment."""

    times = 0
    overtaking: Any = None

    def commit(self, writes, *, timeout):
        is_sealing = any(isinstance(one, Put) and one.path.collection == S.governor.segments for one in writes)
        if is_sealing and self.times:
            self.times -= 1
            self.overtaking()
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
    backend.times, backend.overtaking = 1, lambda: saved(store, 1)
    report = persisted(store).gc("g")
    assert (report.sealed, backend.times) == (9, 0)
    assert versions(store) == [*range(1, 12)]
    check(store)


@in_memory
def test_a_state_that_never_rests_holds_up_no_other(place):
    """It is left to the next run, whole; those behind it are sealed."""
    backend = OvertakenBackend(place.store().runtime.access.backend)
    store = BackendStore(backend)
    for state_id in ("s", "t"):
        saved(store, state_id=state_id)
    backend.times, backend.overtaking = 3, lambda: saved(store, 1)
    report = persisted(store).gc("g")
    assert (report.sealed, report.states, report.left) == (9, 2, [])
    assert versions(store) == [*range(1, 14)]
    check(store)
    assert (persisted(store).gc("g")).sealed == 12


@in_memory
def test_a_state_that_is_lost_meanwhile_ends_no_run(store):
    """Its document was removed between two looks: recover rebuilds it."""
    saved(store)
    persister = persisted(store)
    backend = store.runtime.access.backend
    paths, record = S, read_state(document_at(store, S.state), "g", "s")
    backend.commit([Delete(S.state)], timeout=TIMEOUT)
    unsealed = Unsealed(store.runtime.access, persister.settings, None)
    assert unsealed.sealed(paths, record) is record


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
