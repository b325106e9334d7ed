"""Erasing: no value of a state is left anywhere, and its chain still proves which changes there were."""

import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from tai_state import (
    AsyncBackendStore,
    AsyncMemoryStore,
    AsyncSqliteStore,
    AsyncStateMachinePersister,
    AsyncTransactionManager,
    ChangeMetadata,
    DeadlineExceededError,
    HistoryPolicy,
    InvalidDataError,
    PersistenceConfig,
    StateNotFoundError,
    StoreUnavailableError,
    async_export_store,
    async_import_store,
    async_recover,
    async_verify,
)
from tai_state.documents import Delete, DocumentPath, Put
from tai_state.layout import GovernorLayout, state_layout
from tai_state.values import to_json
from tests._async.machines import COUNTER
from tests._async.recovery.test_gc import AsyncKilledBackend, KilledError, async_check
from tests._async.stores import TIMEOUT, async_contents, async_document_at, async_find, async_plant

S, T = state_layout("g", "s"), state_layout("g", "t")
CONFIG = PersistenceConfig(snapshot_interval=5, segment_events=3)
FORMAT_1 = Path(__file__).parents[2] / "data" / "format1" / "store.db"
MARK = "M4rkOfWhatIsToGo"
NAMES = ("states", "events", "snapshots", "segments", "receipts", "audit", "quarantine", "erasures")


def persisted(store):
    return AsyncStateMachinePersister(store, COUNTER, CONFIG)


async def async_marked(store, state_id="s", changes=12):
    """Return a persister, and a state that holds the mark wherever a state can hold something."""
    persister = persisted(store)
    why = ChangeMetadata(changed_by=f"by {MARK}", reason=f"for {MARK}", context={"k": MARK})
    await persister.start("g", state_id, {"n": 0, "text": MARK}, metadata=why, idempotency_key=f"start {MARK}")
    for number in range(changes):
        payload, key = {"text": MARK * 50, "number": number}, f"{MARK} {number}"
        await persister.log_transition(
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

    async def body(tx):
        await tx.save_state("g", state_id, {"text": MARK})
        return MARK

    await AsyncTransactionManager(store).run(body, idempotency_key="run")
    return persister


async def async_damage_and_recover(store):
    """Leave copies of what the state held in audit and in quarantine."""
    await async_plant(store, S.snapshot(10), status="other")
    await async_plant(store, S.event(14), to_status="other")
    for _ in range(2):
        [report async for report in async_recover(store, "g")]


async def async_holding(store, mark=MARK):
    """Return the paths of the documents that hold a text, compressed or not."""
    layout = GovernorLayout("g")
    found = []
    for collection in (*(getattr(layout, name) for name in NAMES), "transactions", "audit"):
        documents = store.runtime.access.backend.scan(collection, timeout=TIMEOUT)
        found += [str(one.path) async for one in documents if mark.encode() in opened(one.fields)]
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


async def test_nothing_of_an_erased_state_is_left(store):
    """In no document: events, segments, snapshots, receipts, audit, quarantine, the state, results."""
    await async_marked(store)
    await async_damage_and_recover(store)
    assert len(await async_holding(store)) > 20
    report = await store.erase_state("g", "s", reason="they asked")
    assert await async_holding(store) == []
    assert (report.states, report.snapshots, report.receipts) == (1, 2, 13)
    assert report.events > 0
    assert report.segments > 0
    await async_check(store)


async def test_what_stays_proves_the_chain(store):
    """The hashes are what they were, and so are versions, times, statuses and actions."""
    await async_marked(store)
    before = [event async for event in store.get_events("g", "s")]
    await store.erase_state("g", "s", reason="they asked")
    after = [event async for event in store.get_events("g", "s")]
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
    assert (await persisted(store).replay("g", "s", until_version=last.version)).deleted


async def test_the_erased_state_is_deleted_and_may_be_made_again(store):
    """It goes on with its versions; nothing of before comes back."""
    await async_marked(store)
    await store.erase_state("g", "s", reason="they asked")
    with pytest.raises(StateNotFoundError):
        await store.get_state("g", "s")
    assert await store.save_state("g", "s", {"n": 1}) == 16
    for number in range(8):
        await store.save_state("g", "s", {"n": number})
    await persisted(store).gc("g", history=HistoryPolicy(compact_after=timedelta(0)))
    await async_check(store)
    assert await async_holding(store) == []


async def test_the_record_tells_who_erased_and_why(store):
    """In audit, and what was erased is named."""
    await async_marked(store)
    await store.erase_state("g", "s", reason="they asked")
    found = [one.fields async for one in store.runtime.access.backend.scan(S.governor.audit, timeout=TIMEOUT)]
    ((kind, state_id, by, reason),) = [
        (one["kind"], one["state_id"], one["changed_by"], one["reason"]) for one in found
    ]
    assert (kind, state_id, by, reason) == ("erasure", "s", "tester", "they asked")
    assert (await async_document_at(store, S.erasure)).fields["is_finished"] is True


@pytest.mark.parametrize("reason", ["", "  ", None], ids=repr)
async def test_an_erasure_needs_a_reason(store, reason):
    """Nothing is done without one."""
    await async_marked(store, changes=1)
    with pytest.raises(InvalidDataError):
        await store.erase_state("g", "s", reason=reason)
    assert await store.exists("g", "s")


async def test_a_state_that_never_was_is_not_erased(store):
    """It is told."""
    with pytest.raises(StateNotFoundError):
        await store.erase_state("g", "never", reason="they asked")


async def test_another_state_keeps_what_it_holds(store):
    """One whose id begins alike, too."""
    await async_marked(store)
    await store.save_state("g", "s2", {"text": "other"}, idempotency_key="k")
    await store.erase_state("g", "s", reason="they asked")
    assert (await store.get_state("g", "s2"))[0].data == {"text": "other"}
    assert await store.save_state("g", "s2", {"text": "other"}, idempotency_key="k") == 1


@pytest.mark.parametrize("ends", ["by another call", "by a recovery"])
async def test_stopped_behind_any_commit_an_erasure_is_ended(place, ends):
    """It is one finding, nothing else is told of the state, and nothing comes back from a segment."""
    store = place.store()
    await async_marked(store, changes=8)
    await persisted(store).gc("g", history=HistoryPolicy(compact_after=timedelta(0)))
    kinds, commits, is_stopped = [], 0, True
    while is_stopped:
        commits += 1
        killed = AsyncKilledBackend(store.runtime.access.backend, 1)
        try:
            other = AsyncBackendStore(killed, actor="tester")
            if ends == "by another call" or commits == 1:
                await other.erase_state("g", "s", reason="they asked")
            else:
                [one async for one in async_recover(other, "g")]
        except KilledError:
            kinds = [one.kind async for report in async_verify(store) for one in report.problems]
            assert kinds == ["unfinished_erasure"]
        else:
            is_stopped = False
    assert commits > 4
    assert await async_holding(store) == []
    await async_check(store)


async def test_what_comes_back_is_erased_again(store):
    """As from a copy of before: a segment, or an event."""
    await async_marked(store)
    old = [await async_document_at(store, path) for path in (S.segment(4), S.event(14))]
    await store.erase_state("g", "s", reason="they asked")
    for document in old:
        await async_plant(store, document.path, **document.fields)
    kinds = {one.kind async for report in async_verify(store, "g") for one in report.problems}
    assert kinds == {"unfinished_erasure"}
    (report,) = [one async for one in async_recover(store, "g")]
    assert report.unresolved == []
    assert await async_holding(store) == []
    await async_check(store)


@pytest.mark.parametrize("is_gone", [False, True], ids=["over what is left", "where its documents are gone"])
async def test_an_import_brings_nothing_back(store, tmp_path, is_gone):
    """What a file of before the erasure holds is erased again, before the import has ended."""
    await async_marked(store)
    await async_export_store(store, tmp_path / "before.jsonl")
    await store.erase_state("g", "s", reason="they asked")
    if is_gone:
        gone = [path for path in await async_contents(store) if "/erasures/" not in path]
        writes = [Delete(DocumentPath(*path.rsplit("/", 1))) for path in gone]
        await store.runtime.access.backend.commit(writes, timeout=TIMEOUT)
    report = await async_import_store(store, tmp_path / "before.jsonl")
    assert report.is_sound
    assert await async_holding(store) == []
    assert not await store.exists("g", "s")
    await async_check(store)


async def test_an_export_of_what_was_erased_erases_where_it_goes(store, tmp_path):
    """An older copy of the state goes on with the erasure."""
    await async_marked(store)
    await async_export_store(store, tmp_path / "before.jsonl")
    await store.erase_state("g", "s", reason="they asked")
    await async_export_store(store, tmp_path / "after.jsonl")
    other = AsyncMemoryStore(actor="tester")
    await async_import_store(other, tmp_path / "before.jsonl")
    assert await async_holding(other) != []
    assert (await async_import_store(other, tmp_path / "after.jsonl")).is_sound
    assert await async_holding(other) == []
    await async_check(other)
    await other.close()


async def test_a_lost_state_is_erased(store):
    """By what its log tells."""
    await async_marked(store)
    await store.runtime.access.backend.commit([Delete(S.state)], timeout=TIMEOUT)
    await store.erase_state("g", "s", reason="they asked")
    assert await async_holding(store) == []
    await async_check(store)


async def test_a_governor_is_erased(store):
    """Every state of it, those that have lost their documents, too."""
    for state_id in ("s", "s2", "t"):
        await async_marked(store, state_id, changes=4)
    await store.runtime.access.backend.commit([Delete(T.state)], timeout=TIMEOUT)
    await store.save_state("h", "s", {"text": "other"})
    report = await store.erase_governor("g", reason="they asked")
    assert (report.states, report.state_id) == (3, "")
    assert await async_holding(store) == []
    await async_check(store)
    assert await store.exists("h", "s")


async def test_a_governor_that_is_half_erased_is_ended_by_a_recovery(place):
    """However many states are left."""
    store = place.store()
    for state_id in ("s", "t"):
        await async_marked(store, state_id, changes=2)
    killed = AsyncBackendStore(AsyncKilledBackend(store.runtime.access.backend, 4), actor="tester")
    with pytest.raises(KilledError):
        await killed.erase_governor("g", reason="they asked")
    (report,) = [one async for one in async_recover(store, "g")]
    assert {one.kind for one in report.repaired} == {"unfinished_erasure"}
    assert await async_holding(store) == []
    await async_check(store)


def holding_files(path):
    """Return the files of a store that hold the mark."""
    return [one for one in (path, Path(f"{path}-wal")) if one.exists() and MARK.encode() in one.read_bytes()]


@pytest.mark.parametrize("backend_kind", ["sqlite"])
async def test_no_byte_is_left_in_the_file(place):
    """Nor in the log beside it, though others have it open."""
    store = place.store()
    path = Path(store.runtime.access.backend._engine.path)
    await async_marked(store)
    assert holding_files(path) != []
    other = place.store()
    assert await other.exists("g", "s")
    await store.erase_state("g", "s", reason="they asked")
    assert holding_files(path) == []
    assert await other.save_state("g", "s", {"n": 1}) == 16
    assert await store.save_state("g", "s", {"n": 2}) == 17
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
    assert isinstance(store, AsyncSqliteStore)


async def test_what_an_earlier_release_wrote_is_erased(tmp_path):
    """Its events have no salt, and are trimmed: nothing of them is left, and the state goes on."""
    shutil.copy(FORMAT_1, tmp_path / "store.db")
    async with AsyncSqliteStore(tmp_path / "store.db", actor="tester") as store:
        ids = [one.state_id async for one in store.list_states("shop", include_deleted=True)]
        versions = {
            one: (await store.batch_get_states("shop", [one], include_deleted=True)).found[one].version for one in ids
        }
        await store.erase_governor("shop", reason="they asked")
        await async_check(store)
        for state_id in ids:
            events = [one async for one in store.get_events("shop", state_id, after=versions[state_id])]
            assert [one.kind for one in events] == ["erase"]
            assert (await store.save_state("shop", state_id, {"n": 1})) == versions[state_id] + 2
        await async_check(store)


async def test_values_without_their_salt_are_erased(store):
    """An event that was damaged is not taken for one that was erased."""
    await async_marked(store, changes=4)
    event = await async_document_at(store, S.event(6))
    fields = {name: value for name, value in event.fields.items() if name != "salt"}
    await store.runtime.access.backend.commit([Put(event.path, fields)], timeout=TIMEOUT)
    await store.erase_state("g", "s", reason="they asked")
    assert await async_holding(store) == []


async def test_an_erased_state_that_is_lost_is_recovered_with_its_mark(store):
    """So that what comes back is still found."""
    await async_marked(store, changes=3)
    await store.erase_state("g", "s", reason="they asked")
    before = (await async_document_at(store, S.state)).fields
    await store.runtime.access.backend.commit([Delete(S.state)], timeout=TIMEOUT)
    [one async for one in async_recover(store, "g")]
    assert (await async_document_at(store, S.state)).fields == before


@pytest.mark.parametrize("backend_kind", ["sqlite"])
async def test_a_file_that_is_read_is_scrubbed_later(place):
    """While somebody reads it as it was the erasure is not finished, and says so; a recovery ends it."""
    store = place.store()
    path = Path(store.runtime.access.backend._engine.path)
    await async_marked(store, changes=3)
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM documents").fetchall()
        with pytest.raises((DeadlineExceededError, StoreUnavailableError)):
            await store.erase_state("g", "s", reason="they asked", timeout=1)
    assert [one.kind async for report in async_verify(store) for one in report.problems] == ["unfinished_erasure"]
    [one async for one in async_recover(store, "g")]
    assert holding_files(path) == []
    await async_check(store)


async def test_a_live_key_does_not_repeat_what_was_erased(store):
    """Its receipt is gone with the rest."""
    persister = await async_marked(store, changes=3)
    await store.erase_state("g", "s", reason="they asked")
    assert await persister.result_of("g", "s", f"{MARK} 1") is None
    assert await async_find(store, S.receipt(f"{MARK} 1")) is None
