# Generated from tests/_async/recovery/test_recover.py by .ci/generate_sync.py; do not edit.
"""Recovery: stopped anywhere and run again, beside live writers, and what it leaves behind."""
from functools import partial
from typing import Any

import pytest

from tai_state import (
    BackendStore,
    LockManager,
    StateMachinePersister,
    ChangeMetadata,
    recover,
    verify,
    change_context,
)
from tai_state._platform.tasks import gather
from tai_state.codec import Payload
from tai_state.documents import Delete, Put
from tai_state.layout import AUDIT, state_layout
from tai_state.rules.locking.leases import lease_path
from tests._sync.dependents import marks
from tests._sync.machines import COUNTER
from tests._sync.recovery.damages import CASES, CONFIG, VERSIONS, S, live, sound_contents
from tests._sync.stores import (
    TIMEOUT,
    WrappedBackend,
    alter,
    contents,
    document_at,
    find,
    plant,
    in_memory,
)

MANY = [
    "unsealed events swapped",
    "events swapped",
    "snapshot altered",
    "segment truncated",
    "state altered",
    "receipt of no change",
]


class StoppedError(Exception):
    """The process died."""


class DyingBackend(WrappedBackend):
    """Dies behind so many commits, or right before the next one."""

    def __init__(self, inner, commits):
        super().__init__(inner)
        self.left = commits

    def commit(self, writes, *, timeout):
        if not self.left:
            raise StoppedError
        self.left -= 1
        return super().commit(writes, timeout=timeout)


def records(store, collection):
    """Return the fields of the documents of *collection*."""
    return [one.fields for one in store.runtime.access.backend.scan(collection, timeout=TIMEOUT)]


def problems(store):
    """Return all that is found."""
    return [one.kind for report in verify(store, "g") for one in report.problems]


def test_stopped_behind_any_commit_it_completes(place):
    """Whatever was done by then stays done; run again, it ends as if it had never been stopped."""
    store = place.store()
    persister = live(store)
    sound = sound_contents(store)
    damaged = None
    for stop in range(20):
        if damaged is None:
            for name in MANY:
                CASES[name].damage(store)
            damaged = contents(store)
        backend = DyingBackend(store.runtime.access.backend, stop)
        try:
            dying = StateMachinePersister(BackendStore(backend, actor="tester"), COUNTER, CONFIG)
            dying.recover("g")
        except StoppedError:
            pass
        else:
            assert stop > len(MANY)
            break
        report = persister.recover("g")
        assert report.unresolved == []
        assert sound_contents(store) == sound
        assert problems(store) == []
        writes = [Put(document.path, document.fields) for document in damaged.values()]
        store.runtime.access.backend.commit(writes, timeout=TIMEOUT)
    else:
        pytest.fail("it never ended")


def test_a_second_run_finds_nothing_to_do(store):
    """And writes nothing."""
    persister = live(store)
    for name in MANY:
        CASES[name].damage(store)
    assert len((persister.recover("g")).repaired) >= len(MANY)
    before = contents(store)
    report = persister.recover("g")
    assert (report.repaired, report.unresolved) == ([], [])
    assert contents(store) == before


def test_each_repair_leaves_a_record(store):
    """Who, when and why, what was there and what is; not an event."""
    persister = live(store)
    plant(store, S.state, status="shut")
    author = ChangeMetadata(changed_by="ann", reason="after the crash")
    (repair,) = (persister.recover("g", metadata=author)).repaired
    (record,) = records(store, S.governor.audit)
    told = {name: record[name] for name in ("kind", "state_id", "version", "changed_by", "reason")}
    assert told == {
        "kind": "corrupt_state",
        "state_id": "s",
        "version": VERSIONS,
        "changed_by": "ann",
        "reason": "after the crash",
    }
    assert repair.audit_id
    before, after = (Payload.stored(record[name]).value() for name in ("before", "after"))
    assert (before["status"], after["status"]) == ("shut", "open")
    assert len([event for event in persister.history("g", "s")]) == VERSIONS


def test_the_author_is_found_as_for_every_change(store):
    """The argument, the context, the store's actor."""
    live(store)
    for actor in (None, "bob"):
        plant(store, S.state, status="shut")
        with change_context(reason="because"):
            assert [report for report in recover(store, "g", actor=actor)]
    found = records(store, S.governor.audit)
    assert sorted((one["changed_by"], one["reason"]) for one in found) == [("bob", "because"), ("tester", "because")]


def test_what_cannot_be_repaired_is_kept_in_quarantine(store):
    """Whole, once, and readable; the document itself stays where it is."""
    persister = live(store)
    plant(store, S.event(10), payload={"n": 77})
    found = document_at(store, S.event(10))
    for _ in range(2):
        report = persister.recover("g")
        assert [(one.kind, one.version) for one in report.unresolved] == [("corrupt_event", 10)]
    (copy,) = records(store, S.governor.quarantine)
    assert (copy["kind"], copy["path"]) == ("corrupt_event", str(S.event(10)))
    assert Payload.stored(copy["content"]).value() == found.fields
    assert document_at(store, S.event(10)) == found


def test_what_blocks_the_next_change_is_moved_to_quarantine(store):
    """It is kept there, and the change goes on."""
    persister = live(store)
    CASES["event doubled behind the last"].damage(store)
    found = document_at(store, S.event(VERSIONS + 1))
    assert (persister.recover("g")).unresolved == []
    assert find(store, S.event(VERSIONS + 1)) is None
    (copy,) = records(store, S.governor.quarantine)
    assert Payload.stored(copy["content"]).value() == found.fields
    assert (persister.transition("g", "s", "add", 1)).version == VERSIONS + 1


def test_a_restored_event_keeps_the_time_of_its_commit(store):
    """The engine has another time for the document by then."""
    persister = live(store)
    before = [event for event in persister.history("g", "s")]
    CASES["all sealed events deleted"].damage(store)
    assert (persister.recover("g")).unresolved == []
    assert [event for event in persister.history("g", "s")] == before


def test_a_document_of_a_newer_release_is_not_touched(store):
    """Nor is anything else of its state: its rules may be others."""
    persister = live(store)
    store.runtime.access.backend.commit([Delete(S.event(2))], timeout=TIMEOUT)
    plant(store, S.event(5), format=99)
    before = sound_contents(store)
    report = persister.recover("g")
    assert {one.kind for one in report.unresolved} == {"missing_event", "newer_format"}
    assert report.repaired == []
    assert sound_contents(store) == before


def test_without_a_governor_all_are_recovered_and_leases_freed(store):
    """The token of a lock stays, its holder goes, and the lock can be had."""
    live(store)
    store.save_state("h", "x", {})
    plant(store, state_layout("h", "x").state, data=5)
    CASES["state deleted"].damage(store)
    locks = LockManager(store)
    lock = locks.acquire("held")
    held = document_at(store, lease_path("held"))
    dead = {**held.fields, "resource": "dead", "ttl_seconds": 0.000001, "fencing_token": 7}
    store.runtime.access.backend.commit([Put(lease_path("dead"), dead)], timeout=TIMEOUT)
    reports = [report for report in recover(store)]
    told = [(one.governor_id, [repair.kind for repair in one.repaired], one.unresolved) for one in reports]
    assert told == [("g", ["state_missing"], []), ("h", ["corrupt_state"], []), ("", ["expired_lease"], [])]
    freed = document_at(store, lease_path("dead"))
    assert (freed.fields["holder"], freed.fields["fencing_token"]) == (None, 7)
    assert lock.held
    lock.release()
    (record,) = records(store, AUDIT)
    assert record["kind"] == "expired_lease"


def test_beside_live_writers_nothing_is_lost(place):
    """Four writers move their states while what was hurt is repaired; each acknowledged move is there."""
    store = place.store()
    persister = live(store)
    for name in ("w0", "w1", "w2", "w3"):
        persister.start("g", name, {"n": 0})
    for name in MANY:
        CASES[name].damage(store)
    moves = 25

    def write(name):
        own = StateMachinePersister(place.store(), COUNTER, CONFIG)
        for _ in range(moves):
            own.transition("g", name, "add", 1)

    def repair():
        for _ in range(3):
            assert (persister.recover("g")).unresolved == []

    calls: list[Any] = [*(partial(write, name) for name in ("w0", "w1", "w2", "w3")), repair]
    gather(calls)
    for name in ("w0", "w1", "w2", "w3"):
        snapshot, version = store.get_state("g", name)
        assert (snapshot.data, version) == ({"n": moves}, moves + 1)
    assert problems(store) == []


@in_memory
def test_a_writer_that_is_faster_is_looked_at_again(place):
    """A repair that finds its document changed writes nothing over it."""
    store = place.store()
    persister = live(store)
    plant(store, S.state, data=5)
    backend = FasterBackend(store.runtime.access.backend, persister)
    other = StateMachinePersister(BackendStore(backend, actor="tester"), COUNTER, CONFIG)
    report = other.recover("g")
    assert (report.repaired, report.unresolved) == ([], [])
    assert (store.get_state("g", "s"))[1] == VERSIONS + 1
    assert problems(store) == []


class FasterBackend(WrappedBackend):
    """Lets somebody else move s right before the first commit."""

    def __init__(self, inner, persister):
        super().__init__(inner)
        self.persister = persister

    def commit(self, writes, *, timeout):
        persister, self.persister = self.persister, None
        if persister is not None:
            persister.transition("g", "s", "add", 1)
        return super().commit(writes, timeout=timeout)


@in_memory
def test_a_reply_that_was_lost_is_no_second_repair(place):
    """The repair is told as done, and its record is there once."""
    live(place.store())
    plant(place.store(), S.state, status="shut")
    store, _ = place.faulty("reply lost", "reply lost")
    (report,) = [report for report in recover(store, "g")]
    assert ([one.kind for one in report.repaired], report.unresolved) == (["corrupt_state"], [])
    assert len(records(store, S.governor.audit)) == 1


def test_marks_of_dependents_come_back_with_the_state(store):
    """They follow from what depends on it: a move concerns them again."""
    persister = live(store)
    alter(store, S, dependents={})
    CASES["state deleted"].damage(store)
    persister.recover("g")
    assert marks(store, "s") == {"d": "counter"}
