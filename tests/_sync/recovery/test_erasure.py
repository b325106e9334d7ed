# Generated from tests/_async/recovery/test_erasure.py by .ci/generate_sync.py; do not edit.
"""Erasing: no value of a state is left anywhere, and its chain still proves which changes there were."""
from datetime import timedelta
from functools import partial

import pytest

from tai_state import (
    BackendStore,
    HistoryPolicy,
    InvalidDataError,
    StateNotFoundError,
    recover,
    verify,
)
from tai_state._platform.tasks import gather
from tai_state.documents import Delete, Put
from tests._sync.recovery.erasing import MARK, S, holding, marked, persisted
from tests._sync.recovery.test_gc import KilledBackend, KilledError, check
from tests._sync.stores import TIMEOUT, WrappedBackend, document_at, find, plant


def damage_and_recover(store):
    """Leave copies of what the state held in audit and in quarantine."""
    plant(store, S.snapshot(10), status="other")
    plant(store, S.event(14), to_status="other")
    for _ in range(2):
        [report for report in recover(store, "g")]


def test_nothing_of_an_erased_state_is_left(store):
    """In no document: events, segments, snapshots, receipts, audit, quarantine, the state, results."""
    marked(store)
    damage_and_recover(store)
    assert len(holding(store)) > 20
    report = store.erase_state("g", "s", reason="they asked")
    assert holding(store) == []
    assert (report.states, report.snapshots, report.receipts) == (1, 2, 13)
    assert report.events > 0
    assert report.segments > 0
    check(store)


def test_what_stays_proves_the_chain(store):
    """The hashes are what they were, and so are versions, times, statuses and actions."""
    marked(store)
    before = [event for event in store.get_events("g", "s")]
    store.erase_state("g", "s", reason="they asked")
    after = [event for event in store.get_events("g", "s")]
    assert [one.hash for one in after[:-1]] == [one.hash for one in before]
    assert [(one.version, one.action, one.to_status, one.timestamp, one.committed_at) for one in after[:-1]] == [
        (one.version, one.action, one.to_status, one.timestamp, one.committed_at) for one in before
    ]
    last = after[-1]
    assert (last.kind, last.deleted, last.previous_hash, last.metadata.reason) == (
        "erase",
        True,
        before[-1].hash,
        "they asked",
    )
    assert {(one.payload, one.metadata.changed_by, one.idempotency_key) for one in after[:-1]} == {(None, "", None)}
    assert (persisted(store).replay("g", "s", until_version=last.version)).deleted


def test_the_erased_state_is_deleted_and_may_be_made_again(store):
    """It goes on with its versions; nothing of before comes back."""
    marked(store)
    store.erase_state("g", "s", reason="they asked")
    with pytest.raises(StateNotFoundError):
        store.get_state("g", "s")
    assert store.save_state("g", "s", {"n": 1}) == 16
    for number in range(8):
        store.save_state("g", "s", {"n": number})
    persisted(store).gc("g", history=HistoryPolicy(compact_after=timedelta(0)))
    check(store)
    assert holding(store) == []


def test_what_was_made_again_is_erased_again(store):
    """Also where it was deleted since, as it is after an erasure."""
    marked(store, changes=2)
    store.erase_state("g", "s", reason="they asked")
    store.save_state("g", "s", {"text": MARK})
    store.delete_state("g", "s")
    store.erase_state("g", "s", reason="they asked again")
    assert holding(store) == []
    check(store)
    versions = [event.version for event in store.get_events("g", "s")]
    store.erase_state("g", "s", reason="they asked again")
    assert [event.version for event in store.get_events("g", "s")] == versions


def test_the_record_tells_who_erased_and_why(store):
    """In audit, and what was erased is named."""
    marked(store)
    store.erase_state("g", "s", reason="they asked")
    found = [one.fields for one in store.runtime.access.backend.scan(S.governor.audit, timeout=TIMEOUT)]
    ((kind, state_id, by, reason),) = [
        (one["kind"], one["state_id"], one["changed_by"], one["reason"]) for one in found
    ]
    assert (kind, state_id, by, reason) == ("erasure", "s", "tester", "they asked")
    assert (document_at(store, S.erasure)).fields["is_finished"] is True


@pytest.mark.parametrize("reason", ["", "  ", None], ids=repr)
def test_an_erasure_needs_a_reason(store, reason):
    """Nothing is done without one."""
    marked(store, changes=1)
    with pytest.raises(InvalidDataError):
        store.erase_state("g", "s", reason=reason)
    assert store.exists("g", "s")


def test_a_state_that_never_was_is_not_erased(store):
    """It is told."""
    with pytest.raises(StateNotFoundError):
        store.erase_state("g", "never", reason="they asked")


def test_another_state_keeps_what_it_holds(store):
    """One whose id begins alike, too."""
    marked(store)
    store.save_state("g", "s2", {"text": "other"}, idempotency_key="k")
    store.erase_state("g", "s", reason="they asked")
    assert (store.get_state("g", "s2"))[0].data == {"text": "other"}
    assert store.save_state("g", "s2", {"text": "other"}, idempotency_key="k") == 1


@pytest.mark.parametrize("ends", ["by another call", "by a recovery"])
def test_stopped_behind_any_commit_an_erasure_is_ended(place, ends):
    """It is one finding, nothing else is told of the state, and nothing comes back from a segment."""
    store = place.store()
    marked(store, changes=8)
    persisted(store).gc("g", history=HistoryPolicy(compact_after=timedelta(0)))
    kinds, commits, is_stopped = [], 0, True
    while is_stopped:
        commits += 1
        killed = KilledBackend(store.runtime.access.backend, 1)
        try:
            other = BackendStore(killed, actor="tester")
            if ends == "by another call" or commits == 1:
                other.erase_state("g", "s", reason="they asked")
            else:
                [one for one in recover(other, "g")]
        except KilledError:
            kinds = [one.kind for report in verify(store) for one in report.problems]
            assert kinds == ["unfinished_erasure"]
        else:
            is_stopped = False
    assert commits > 4
    assert holding(store) == []
    check(store)


def test_what_comes_back_is_erased_again(store):
    """As from a copy of before: a segment, or an event."""
    marked(store)
    old = [document_at(store, path) for path in (S.segment(4), S.event(14))]
    store.erase_state("g", "s", reason="they asked")
    for document in old:
        plant(store, document.path, **document.fields)
    kinds = {one.kind for report in verify(store, "g") for one in report.problems}
    assert kinds == {"unfinished_erasure"}
    (report,) = [one for one in recover(store, "g")]
    assert report.unresolved == []
    assert holding(store) == []
    check(store)


def test_beside_writers_nothing_is_lost_or_comes_back(place):
    """Those that make the state again meanwhile seal its events, too; what they write stays."""
    store = place.store()
    marked(store)
    kept = []

    def write(writer):
        for number in range(10):
            made = writer.log_transition("g", "s", "say", to_status="open", data={"n": number})
            kept.append(made.event)

    erase = partial(place.store().erase_state, "g", "s", reason="they asked")
    gather([erase, *(partial(write, persisted(place.store())) for _ in range(3))])
    assert holding(store) == []
    events = {one.version: one for one in store.get_events("g", "s")}
    assert {one.version for one in kept} <= set(events)
    assert [one.hash for one in kept] == [events[one.version].hash for one in kept]
    check(store)


class OvertakenBackend(WrappedBackend):
    """Lets somebody else go ahead of the first commit that carries a segment."""

    def __init__(self, inner, ahead):
        super().__init__(inner)
        self.ahead = ahead
        self.is_overtaken = False

    def commit(self, writes, *, timeout):
        if not self.is_overtaken and any(write.path.collection == S.governor.segments for write in writes):
            self.is_overtaken = True
            self.ahead()
        return super().commit(writes, timeout=timeout)


def test_what_was_read_to_be_sealed_before_an_erasure_is_not_sealed_behind_it(place):
    """Also where the change that was to carry it is refused by the erasure, and tried again."""
    store = place.store()
    marked(store)

    def erase():
        place.store().erase_state("g", "s", reason="they asked")

    overtaken = OvertakenBackend(store.runtime.access.backend, erase)
    writer = persisted(BackendStore(overtaken, actor="tester"))
    for number in range(6):
        writer.log_transition("g", "s", "say", to_status="open", data={"n": number})
    assert overtaken.is_overtaken
    assert holding(store) == []
    sealed = (document_at(store, S.state)).fields["sealed_through"]
    assert sealed >= 18  # what was put off is sealed by the changes that come next
    check(store)


def test_a_lost_state_is_erased(store):
    """By what its log tells."""
    marked(store)
    store.runtime.access.backend.commit([Delete(S.state)], timeout=TIMEOUT)
    store.erase_state("g", "s", reason="they asked")
    assert holding(store) == []
    check(store)


def test_values_without_their_salt_are_erased(store):
    """An event that was damaged is not taken for one that was erased."""
    marked(store, changes=4)
    event = document_at(store, S.event(6))
    fields = {name: value for name, value in event.fields.items() if name != "salt"}
    store.runtime.access.backend.commit([Put(event.path, fields)], timeout=TIMEOUT)
    store.erase_state("g", "s", reason="they asked")
    assert holding(store) == []


def test_an_erased_state_that_is_lost_is_recovered_with_its_mark(store):
    """So that what comes back is still found."""
    marked(store, changes=3)
    store.erase_state("g", "s", reason="they asked")
    before = (document_at(store, S.state)).fields
    store.runtime.access.backend.commit([Delete(S.state)], timeout=TIMEOUT)
    [one for one in recover(store, "g")]
    assert (document_at(store, S.state)).fields == before


def test_a_live_key_does_not_repeat_what_was_erased(store):
    """Its receipt is gone with the rest."""
    persister = marked(store, changes=3)
    store.erase_state("g", "s", reason="they asked")
    assert persister.result_of("g", "s", f"{MARK} 1") is None
    assert find(store, S.receipt(f"{MARK} 1")) is None
