# Generated from tests/_async/recovery/test_erasure.py by .ci/generate_sync.py; do not edit.
"""Erasing: no value of a state is left anywhere, and its chain still proves which changes there were."""
import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from tai_state import (
    BackendStore,
    MemoryStore,
    SqliteStore,
    StateMachinePersister,
    TransactionManager,
    ChangeMetadata,
    DeadlineExceededError,
    HistoryPolicy,
    InvalidDataError,
    PersistenceConfig,
    StateNotFoundError,
    StoreUnavailableError,
    export_store,
    import_store,
    recover,
    verify,
)
from tai_state.documents import Delete, DocumentPath, Put
from tai_state.layout import GovernorLayout, state_layout
from tai_state.values import to_json
from tests._sync.machines import COUNTER
from tests._sync.recovery.test_gc import KilledBackend, KilledError, check
from tests._sync.stores import TIMEOUT, contents, document_at, find, plant

S, T = state_layout("g", "s"), state_layout("g", "t")
CONFIG = PersistenceConfig(snapshot_interval=5, segment_events=3)
FORMAT_1 = Path(__file__).parents[2] / "data" / "format1" / "store.db"
MARK = "M4rkOfWhatIsToGo"
NAMES = ("states", "events", "snapshots", "segments", "receipts", "audit", "quarantine", "erasures")


def persisted(store):
    return StateMachinePersister(store, COUNTER, CONFIG)


def marked(store, state_id="s", changes=12):
    """Return a persister, and a state that holds the mark wherever a state can hold something."""
    persister = persisted(store)
    why = ChangeMetadata(changed_by=f"by {MARK}", reason=f"for {MARK}", context={"k": MARK})
    persister.start("g", state_id, {"n": 0, "text": MARK}, metadata=why, idempotency_key=f"start {MARK}")
    for number in range(changes):
        payload, key = {"text": MARK * 50, "number": number}, f"{MARK} {number}"
        persister.log_transition(
            "g",
            state_id,
            "say",
            to_status="open",
            data=payload,
            payload=payload,
            metadata=why,
            error=MARK,
            idempotency_key=key,
        )

    def body(tx):
        tx.save_state("g", state_id, {"text": MARK})
        return MARK

    TransactionManager(store).run(body, idempotency_key="run")
    return persister


def damage_and_recover(store):
    """Leave copies of what the state held in audit and in quarantine."""
    plant(store, S.snapshot(10), status="other")
    plant(store, S.event(14), to_status="other")
    for _ in range(2):
        [report for report in recover(store, "g")]


def holding(store, mark=MARK):
    """Return the paths of the documents that hold a text, compressed or not."""
    layout = GovernorLayout("g")
    found = []
    for collection in (*(getattr(layout, name) for name in NAMES), "transactions", "audit"):
        documents = store.runtime.access.backend.scan(collection, timeout=TIMEOUT)
        found += [str(one.path) for one in documents if mark.encode() in opened(one.fields)]
    return found


def opened(value):
    """Return all that a field says, unpacked."""
    from tai_state.codec import decompress  # noqa: PLC0415

    if isinstance(value, dict):
        return b" ".join([key.encode() + opened(one) for key, one in value.items()])
    if isinstance(value, list):
        return b" ".join(map(opened, value))
    if isinstance(value, bytes):
        try:
            return decompress(value)
        except ValueError:
            return value
    return value.encode() if isinstance(value, str) else to_json(value)


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


@pytest.mark.parametrize("is_gone", [False, True], ids=["over what is left", "where its documents are gone"])
def test_an_import_brings_nothing_back(store, tmp_path, is_gone):
    """What a file of before the erasure holds is erased again, before the import has ended."""
    marked(store)
    export_store(store, tmp_path / "before.jsonl")
    store.erase_state("g", "s", reason="they asked")
    if is_gone:
        gone = [path for path in contents(store) if "/erasures/" not in path]
        writes = [Delete(DocumentPath(*path.rsplit("/", 1))) for path in gone]
        store.runtime.access.backend.commit(writes, timeout=TIMEOUT)
    report = import_store(store, tmp_path / "before.jsonl")
    assert report.is_sound
    assert holding(store) == []
    assert not store.exists("g", "s")
    check(store)


def test_an_export_of_what_was_erased_erases_where_it_goes(store, tmp_path):
    """An older copy of the state goes on with the erasure."""
    marked(store)
    export_store(store, tmp_path / "before.jsonl")
    store.erase_state("g", "s", reason="they asked")
    export_store(store, tmp_path / "after.jsonl")
    other = MemoryStore(actor="tester")
    import_store(other, tmp_path / "before.jsonl")
    assert holding(other) != []
    assert (import_store(other, tmp_path / "after.jsonl")).is_sound
    assert holding(other) == []
    check(other)
    other.close()


def test_a_lost_state_is_erased(store):
    """By what its log tells."""
    marked(store)
    store.runtime.access.backend.commit([Delete(S.state)], timeout=TIMEOUT)
    store.erase_state("g", "s", reason="they asked")
    assert holding(store) == []
    check(store)


def test_a_governor_is_erased(store):
    """Every state of it, those that have lost their documents, too."""
    for state_id in ("s", "s2", "t"):
        marked(store, state_id, changes=4)
    store.runtime.access.backend.commit([Delete(T.state)], timeout=TIMEOUT)
    store.save_state("h", "s", {"text": "other"})
    report = store.erase_governor("g", reason="they asked")
    assert (report.states, report.state_id) == (3, "")
    assert holding(store) == []
    check(store)
    assert store.exists("h", "s")


def test_a_governor_that_is_half_erased_is_ended_by_a_recovery(place):
    """However many states are left."""
    store = place.store()
    for state_id in ("s", "t"):
        marked(store, state_id, changes=2)
    killed = BackendStore(KilledBackend(store.runtime.access.backend, 4), actor="tester")
    with pytest.raises(KilledError):
        killed.erase_governor("g", reason="they asked")
    (report,) = [one for one in recover(store, "g")]
    assert {one.kind for one in report.repaired} == {"unfinished_erasure"}
    assert holding(store) == []
    check(store)


def holding_files(path):
    """Return the files of a store that hold the mark."""
    return [one for one in (path, Path(f"{path}-wal")) if one.exists() and MARK.encode() in one.read_bytes()]


@pytest.mark.parametrize("backend_kind", ["sqlite"])
def test_no_byte_is_left_in_the_file(place):
    """Nor in the log beside it, though others have it open."""
    store = place.store()
    path = Path(store.runtime.access.backend._engine.path)
    marked(store)
    assert holding_files(path) != []
    other = place.store()
    assert other.exists("g", "s")
    store.erase_state("g", "s", reason="they asked")
    assert holding_files(path) == []
    assert other.save_state("g", "s", {"n": 1}) == 16
    assert store.save_state("g", "s", {"n": 2}) == 17
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
    assert isinstance(store, SqliteStore)


def test_what_an_earlier_release_wrote_is_erased(tmp_path):
    """Its events have no salt, and are trimmed: nothing of them is left, and the state goes on."""
    shutil.copy(FORMAT_1, tmp_path / "store.db")
    with SqliteStore(tmp_path / "store.db", actor="tester") as store:
        ids = [one.state_id for one in store.list_states("shop", include_deleted=True)]
        versions = {
            one: (store.batch_get_states("shop", [one], include_deleted=True)).found[one].version for one in ids
        }
        store.erase_governor("shop", reason="they asked")
        check(store)
        for state_id in ids:
            events = [one for one in store.get_events("shop", state_id, after=versions[state_id])]
            assert [one.kind for one in events] == ["erase"]
            assert (store.save_state("shop", state_id, {"n": 1})) == versions[state_id] + 2
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


@pytest.mark.parametrize("backend_kind", ["sqlite"])
def test_a_file_that_is_read_is_scrubbed_later(place):
    """While somebody reads it as it was the erasure is not finished, and says so; a recovery ends it."""
    store = place.store()
    path = Path(store.runtime.access.backend._engine.path)
    marked(store, changes=3)
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM documents").fetchall()
        with pytest.raises((DeadlineExceededError, StoreUnavailableError)):
            store.erase_state("g", "s", reason="they asked", timeout=1)
    assert [one.kind for report in verify(store) for one in report.problems] == ["unfinished_erasure"]
    [one for one in recover(store, "g")]
    assert holding_files(path) == []
    check(store)


def test_a_live_key_does_not_repeat_what_was_erased(store):
    """Its receipt is gone with the rest."""
    persister = marked(store, changes=3)
    store.erase_state("g", "s", reason="they asked")
    assert persister.result_of("g", "s", f"{MARK} 1") is None
    assert find(store, S.receipt(f"{MARK} 1")) is None
