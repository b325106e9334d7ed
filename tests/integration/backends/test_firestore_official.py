"""Beside the official client, on the emulator."""

import asyncio
import threading
import time
from contextlib import suppress
from datetime import datetime

import pytest
from google.cloud import firestore

from tai_state import (
    DamagedDocumentsError,
    DamagedStatesError,
    FirestoreStore,
    LockManager,
    StateMachinePersister,
    StoreError,
    TransactionManager,
)
from tai_state._async.backends.firestore import AsyncFirestoreBackend
from tai_state.backends.firestore import sizes
from tai_state.documents import DAMAGED, DocumentPath
from tai_state.errors import DocumentTooLargeError
from tests.integration.backends.firestore_loopback import ALL_TYPES, AT, TIMEOUT, driven, put


@pytest.mark.emulator
def test_the_official_client_reads_what_we_wrote(real, official):
    """Our document is at the same path and of the same types to Google's client."""
    real.commit(put(ALL_TYPES))
    assert official.document(str(AT)).get().to_dict() == ALL_TYPES


@pytest.mark.emulator
def test_we_read_what_the_official_client_wrote(real, official):
    """The official client's document comes back in plain Python types, with its times."""
    written = official.document(str(AT)).set(ALL_TYPES)
    document = real.get_many(AT).documents[AT]
    assert document.fields == ALL_TYPES
    assert {type(document.fields[name]) for name in ("time", "epoch")} == {datetime}
    assert document.update_time == written.update_time


@pytest.mark.emulator
def test_the_root_is_a_document_path(tai_state_project, official):
    """With a root everything lives under it, and is read back from there."""
    with driven("sync", tai_state_project, root="apps/x") as rooted:
        rooted.commit(put())
        assert [one.path for one in rooted.scan(AT.collection)] == [AT]
        assert rooted.scan_ids("governors") == ["g"]
    assert official.document(f"apps/x/{AT}").get().exists


@pytest.mark.emulator
@pytest.mark.parametrize("kind", ["reference", "geo_point"])
@pytest.mark.parametrize("how", ["get", "scan"])
def test_a_foreign_value_is_named(real, official, kind, how):
    """A document with a value of a type that we never write says so in one field, beside its sound neighbours."""
    foreign = {"reference": official.document("a/b"), "geo_point": firestore.GeoPoint(1, 2)}[kind]
    official.document(str(AT)).set({"fine": 1, "data": {"list": [0, {"x": foreign}]}})
    beside = DocumentPath(AT.collection, f"{AT.id}-beside")
    official.document(str(beside)).set({"fine": 1})
    found = list(real.get_many(AT, beside).documents.values()) if how == "get" else real.scan(AT.collection)
    fields = {document.path: document.fields for document in found}
    assert fields[beside] == {"fine": 1}
    assert list(fields[AT]) == [DAMAGED]
    assert fields[AT][DAMAGED].startswith("data.list[1].x: ")
    assert f"{AT} holds a {kind}" in fields[AT][DAMAGED]


@pytest.mark.emulator
@pytest.mark.parametrize("whole", [True, False], ids=["a stranger's document", "a value in one of ours"])
def test_a_foreign_value_among_the_states_harms_nobody(tai_state_project, official, whole):
    """Lists, counts and batches give all the others, and name it."""
    with FirestoreStore(tai_state_project, actor="tester") as store:
        for state_id in ("a", "b", "c"):
            store.save_state("g", state_id, {"n": 1})
        document = official.document("governors/g/states/b")
        if whole:
            document.set({"where": firestore.GeoPoint(1, 2)})
            official.document("governors/g/events/b@0000000000000000001").delete()
        else:
            document.update({"where": firestore.GeoPoint(1, 2)})
        with pytest.raises(DamagedStatesError, match="geo_point") as caught:
            list(store.list_states("g"))
        listed = [state.state_id for state in until_error(store.list_states("g"))]
        batch = store.batch_get_states("g", ["a", "b", "c"])
        assert (listed, caught.value.state_ids) == (["a", "c"], ["b"])
        assert store.stats("g").damaged == ["b"]
        assert batch.damaged == (["b"] if whole else [])
        assert sorted(batch.found) == (["a", "c"] if whole else ["a", "b", "c"])
        problems = StateMachinePersister(store).validate_consistency("g").problems
        assert [problem.state_id for problem in problems] == ["b"]


@pytest.mark.emulator
@pytest.mark.parametrize("whole", [True, False], ids=["a stranger's document", "a value in one of ours"])
def test_a_foreign_value_among_locks_and_records_harms_nobody(tai_state_project, official, whole):
    """Lists give all the others and name it, calls for it say which document it is, and all else goes on."""
    with FirestoreStore(tai_state_project, actor="tester") as store:
        locks, manager = LockManager(store), TransactionManager(store)
        for name in "abc":
            locks.acquire(name, owner=name, heartbeat=False)
            manager.run(_saving(name), idempotency_key=name)
        ids = [record.transaction_id for record in manager.list_transactions()]
        for path in ("locks/b", f"transactions/{ids[1]}"):
            write = official.document(path).set if whole else official.document(path).update
            write({"where": firestore.GeoPoint(1, 2)})
        for call in (lambda: locks.inspect("b"), lambda: locks.acquire("b", timeout=0)):
            with pytest.raises(StoreError, match=r"locks/b is no lease: .*geo_point"):
                call()
        with pytest.raises(StoreError, match=r"no transaction record: .*geo_point"):
            manager.get_transaction(ids[1])
        assert [lock.resource for lock in until_error(locks.list())] == ["a", "c"]
        assert [record.transaction_id for record in until_error(manager.list_transactions())] == [ids[0], ids[2]]
        assert locks.acquire("d", timeout=0, heartbeat=False).fencing_token == 1


def _saving(state_id):
    return lambda tx: tx.save_state("g", state_id, {})


def until_error(items):
    """Yield *items* up to the error that names what is damaged."""
    with suppress(DamagedStatesError, DamagedDocumentsError):
        yield from items


def _sized(over):
    room = sizes.DOCUMENT_BYTES_MAX - sizes.document_bytes(str(AT), {"a": "", "b": ""})
    return {"a": "x" * 600_000, "b": "y" * (room - 600_000 + over)}


@pytest.mark.emulator
def test_a_document_of_exactly_the_limit_is_stored(real):
    """Our count of a document's size is the server's: not a byte is refused in vain."""
    real.commit(put(_sized(0)))
    with pytest.raises(DocumentTooLargeError):
        real.commit(put(_sized(1)))


@pytest.mark.emulator
def test_the_server_refuses_a_byte_more(official):
    """The official client is refused one byte above the limit that we count."""
    with pytest.raises(Exception, match="maximum entity size"):
        official.document(str(AT)).set(_sized(1))


@pytest.mark.emulator
def test_a_value_of_many_small_parts_is_counted(real):
    """A list of ints takes eight bytes each, twice what the wire needs."""
    with pytest.raises(DocumentTooLargeError):
        real.commit(put({"list": [1] * 131_072}))


@pytest.mark.emulator
def test_a_scan_of_large_documents_is_complete(real):
    """Pages end early when documents are large, and none is lost between them."""
    paths = [DocumentPath("c", f"{n:02}") for n in range(24)]
    for first in range(0, 24, 4):
        real.commit(*(put({"text": "x" * 900_000}, at=at) for at in paths[first : first + 4]))
    assert [document.path for document in real.scan("c")] == paths


@pytest.mark.emulator
def test_a_watch_leaves_no_thread(tai_state_project):
    """A watch that is left early ends its stream and the thread that feeds it."""
    with driven("sync", tai_state_project) as made:
        made.commit(put())
        before = set(threading.enumerate())
        wakes = made.backend.watch(AT, timeout=TIMEOUT)
        next(wakes)
        next(wakes)
        wakes.close()
        ends = time.monotonic() + TIMEOUT
        while set(threading.enumerate()) - before and time.monotonic() < ends:
            time.sleep(0.01)
        assert set(threading.enumerate()) <= before


@pytest.mark.emulator
async def test_a_watch_leaves_no_task(tai_state_project):
    """The async watch ends with its generator, tasks of gRPC's included."""
    backend = AsyncFirestoreBackend(tai_state_project)
    wakes = backend.watch(AT, timeout=TIMEOUT)
    await anext(wakes)
    await anext(wakes)
    await wakes.aclose()  # type: ignore[attr-defined]
    await backend.close()
    await asyncio.sleep(0.05)
    assert asyncio.all_tasks() == {asyncio.current_task()}
