"""The Firestore backend in both colours: on the wire, beside the official client, and when things go wrong.

What every backend must do stands in the conformance suite. A gRPC server on loopback answers here with chosen
codes and keeps what it was sent; tests marked ``emulator`` need the real emulator.
"""

import asyncio
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import google.auth.credentials
import grpc
import pytest
from google.cloud import firestore
from google.cloud.firestore_v1.types import firestore as messages

from tai_state._async.backends.firestore import AsyncFirestoreBackend
from tai_state._sync.backends.firestore import FirestoreBackend
from tai_state.backends.firestore import sizes, values
from tai_state.backends.firestore.client import Source
from tai_state.backends.firestore.requests import PAGE_DOCUMENTS
from tai_state.documents import (
    Check,
    Delete,
    DocumentPath,
    FieldEquals,
    MustExist,
    MustNotExist,
    Put,
    UpdatedAt,
)
from tai_state.errors import (
    CommitAmbiguousError,
    ConfigurationError,
    DocumentTooLargeError,
    InvalidDataError,
    PreconditionFailedError,
    StoreError,
    StoreUnavailableError,
)

AT = DocumentPath("governors/g/states", "s")
OTHER = DocumentPath("governors/g/events", "s@1")
NOW = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
TIMEOUT = 10.0
HOST = "FIRESTORE_EMULATOR_HOST"
ALL_TYPES = {
    "none": None,
    "true": True,
    "int": 2**63 - 1,
    "float": 1.0,
    "text": "état \N{GRINNING FACE}",
    "bytes": b"\x00\xff",
    "time": NOW,
    "epoch": datetime(1970, 1, 1, tzinfo=UTC),
    "list": [1, "two", {"three": [3.5]}],
    "empty list": [],
    "map": {"a.b": {"deep": {}}, "`": False},
}


class Loopback:
    """A Firestore that finds nothing, accepts everything, and fails as it is told."""

    def __init__(self):
        self.calls = []  # (rpc, metadata, request)
        self.failures = []  # (code, details), one for each call to come
        self.dropped = 0  # how many results of a read to leave out
        self.removed = None  # why to stop watching
        self.release = threading.Event()
        self.release.set()
        self.arrived = threading.Event()
        kinds: dict[str, tuple[Any, Any, Any]] = {
            "Commit": (grpc.unary_unary_rpc_method_handler, self._commit, messages.CommitRequest),
            "ListDocuments": (grpc.unary_unary_rpc_method_handler, self._list, messages.ListDocumentsRequest),
            "RunQuery": (grpc.unary_stream_rpc_method_handler, self._query, messages.RunQueryRequest),
            "BatchGetDocuments": (
                grpc.unary_stream_rpc_method_handler,
                self._batch_get,
                messages.BatchGetDocumentsRequest,
            ),
        }
        kinds["Listen"] = grpc.stream_stream_rpc_method_handler, self._listen, messages.ListenRequest
        handlers = {
            name: kind(
                answer,
                request_deserializer=request.pb().FromString,
                response_serializer=lambda response: response.SerializeToString(),
            )
            for name, (kind, answer, request) in kinds.items()
        }
        generic = grpc.method_handlers_generic_handler("google.firestore.v1.Firestore", handlers)
        unlimited = [("grpc.max_receive_message_length", -1)]
        self._server = grpc.server(ThreadPoolExecutor(4), options=unlimited)
        self._server.add_generic_rpc_handlers((generic,))
        self.host = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def stop(self):
        self.release.set()
        self._server.stop(None).wait()

    def rpcs(self):
        return [rpc for rpc, _, _ in self.calls]

    def _take(self, rpc, request, context):
        self.calls.append((rpc, dict(context.invocation_metadata()), request))
        self.arrived.set()
        self.release.wait(TIMEOUT)
        if self.failures:
            failure = self.failures.pop(0)
            if failure is not None:
                context.abort(*failure)

    def _commit(self, request, context):
        self._take("Commit", request, context)
        response = messages.CommitResponse.pb()()
        values.write_time(response.commit_time, NOW)
        for _ in request.writes:
            values.write_time(response.write_results.add().update_time, NOW)
        return response

    def _batch_get(self, request, context):
        self._take("BatchGetDocuments", request, context)
        for name in list(request.documents)[: len(request.documents) - self.dropped][::-1]:
            response = messages.BatchGetDocumentsResponse.pb()(missing=name)
            values.write_time(response.read_time, NOW)
            yield response

    def _query(self, request, context):
        self._take("RunQuery", request, context)
        response = messages.RunQueryResponse.pb()()
        values.write_time(response.read_time, NOW)
        yield response

    def _listen(self, requests, context):
        self._take("Listen", next(requests), context)
        if self.removed is not None:
            response = messages.ListenResponse.pb()()
            response.target_change.target_change_type = 2
            response.target_change.cause.code = self.removed.value[0]
            response.target_change.cause.message = "the reason"
            yield response

    def _list(self, request, context):
        self._take("ListDocuments", request, context)
        return messages.ListDocumentsResponse.pb()()


class Driver:
    """A backend of either colour, called from a plain test."""

    def __init__(self, colour, *args, **options):
        self._runner = asyncio.Runner() if colour == "async" else None
        kind = AsyncFirestoreBackend if colour == "async" else FirestoreBackend
        self.backend = kind(*args, **options)

    def _run(self, result):
        async def awaited():
            return await result

        return self._runner.run(awaited()) if self._runner else result

    def _list(self, found):
        async def collected():
            return [one async for one in found]

        return self._runner.run(collected()) if self._runner else list(found)

    def commit(self, *writes, timeout=TIMEOUT):
        return self._run(self.backend.commit(writes, timeout=timeout))

    def get_many(self, *paths, timeout=TIMEOUT, consistent=False):
        return self._run(self.backend.get_many(paths, timeout=timeout, consistent=consistent))

    def scan(self, collection, **options):
        return self._list(self.backend.scan(collection, timeout=TIMEOUT, **options))

    def query(self, collection, *conditions):
        return self._list(self.backend.query(collection, conditions, timeout=TIMEOUT))

    def watch(self, path):
        return self._list(self.backend.watch(path, timeout=TIMEOUT))

    def scan_ids(self, collection, **options):
        return self._list(self.backend.scan_ids(collection, timeout=TIMEOUT, **options))

    def close(self):
        self._run(self.backend.close())

    def end(self):
        self.close()
        if self._runner:
            self._runner.close()


@pytest.fixture
def server(monkeypatch):
    loopback = Loopback()
    monkeypatch.setenv(HOST, loopback.host)
    yield loopback
    loopback.stop()


@contextmanager
def _driver(colour, *args, **options):
    made = Driver(colour, *args, **options)
    yield made
    made.end()


@pytest.fixture(params=["sync", "async"])
def driver(request, server):
    with _driver(request.param, "p") as made:
        yield made


@pytest.fixture(params=["sync", "async"])
def real(request, tai_state_project):
    with _driver(request.param, tai_state_project) as made:
        yield made


@pytest.fixture
def official(tai_state_project):
    client = firestore.Client(project=tai_state_project)
    yield client
    client._firestore_api.transport.close()


def put(fields=None, precondition=None, at=AT):
    return Put(at, {"n": 1} if fields is None else fields, precondition)


# On the wire


def _official_calls(client):
    return {
        "Commit": lambda: client.document(str(AT)).set({"n": 1}),
        "BatchGetDocuments": lambda: list(client.get_all([client.document(str(AT))])),
        "RunQuery": lambda: list(client.collection(AT.collection).stream()),
        "ListDocuments": lambda: list(client.collection(AT.collection).list_documents()),
    }


@pytest.mark.parametrize("rpc", ["Commit", "BatchGetDocuments", "RunQuery", "ListDocuments"])
def test_the_routing_metadata_are_the_official_clients(driver, server, rpc):
    """Each RPC carries the resource prefix, the routing parameters and the authorisation that Google's own does."""
    ours = {
        "Commit": lambda: driver.commit(put()),
        "BatchGetDocuments": lambda: driver.get_many(AT),
        "RunQuery": lambda: driver.scan(AT.collection),
        "ListDocuments": lambda: driver.scan_ids(AT.collection),
    }
    ours[rpc]()
    client = firestore.Client(project="p")
    _official_calls(client)[rpc]()
    client._firestore_api.transport.close()
    assert server.rpcs() == [rpc, rpc]
    names = ("google-cloud-resource-prefix", "x-goog-request-params", "authorization")
    mine, theirs = ([metadata.get(name) for name in names] for _, metadata, _ in server.calls)
    assert mine == theirs
    assert None not in mine


def test_the_request_of_a_query_is_the_official_clients(driver, server):
    """A query by equality is the message that the official client builds for it."""
    driver.query(AT.collection, FieldEquals("status", "open"), FieldEquals("a.b", 1))
    client = firestore.Client(project="p")
    field_filter = firestore.FieldFilter
    query = client.collection(AT.collection).where(filter=field_filter("status", "==", "open"))
    query = query.where(filter=field_filter("`a.b`", "==", 1)).order_by("__name__").limit(PAGE_DOCUMENTS)
    list(query.stream())
    client._firestore_api.transport.close()
    mine, theirs = (request for _, _, request in server.calls)
    assert mine == theirs


def test_a_commit_is_one_rpc(driver, server):
    """However many writes and preconditions, a commit is one request."""
    driver.commit(put(precondition=MustExist()), put(at=OTHER, precondition=MustNotExist()))
    assert server.rpcs() == ["Commit"]


def test_an_inconsistent_read_is_one_rpc(driver, server):
    """A batch read that its caller checks later is one request, on the emulator too."""
    driver.get_many(AT, OTHER, AT)
    assert server.rpcs() == ["BatchGetDocuments"]


def test_a_read_of_one_document_is_one_rpc(driver, server):
    """One document cannot be torn: on the emulator too, reading it consistently is one request."""
    driver.get_many(AT, consistent=True)
    assert server.rpcs() == ["BatchGetDocuments"]


def test_a_consistent_read_on_the_emulator_looks_back(driver, server):
    """The server's time is taken first, and the documents are read as of it."""
    read = driver.get_many(AT, OTHER, consistent=True)
    probe, pinned = (request for _, _, request in server.calls)
    assert not probe.HasField("read_time")
    assert values.read_time(pinned.read_time) == read.read_time == NOW


def test_the_pages_of_a_read_are_as_of_the_first(driver, server):
    """A read of many documents is paged, and the later pages ask for the first one's time."""
    driver.get_many(*(DocumentPath("c", f"{n}") for n in range(2 * PAGE_DOCUMENTS + 1)))
    pages = [request for _, _, request in server.calls]
    assert [len(page.documents) for page in pages] == [PAGE_DOCUMENTS, PAGE_DOCUMENTS, 1]
    assert [page.HasField("read_time") for page in pages] == [False, True, True]
    assert values.read_time(pages[1].read_time) == NOW


def test_an_update_time_is_given_back_to_the_microsecond(driver, server):
    """The precondition carries the very time that a read returned."""
    driver.commit(put(precondition=UpdatedAt(NOW)))
    assert values.read_time(server.calls[0][2].writes[0].current_document.update_time) == NOW


def test_a_check_has_an_empty_mask(driver, server):
    """With the mask absent rather than empty, a check would wipe the document."""
    driver.commit(Check(AT, UpdatedAt(NOW)))
    (write,) = server.calls[0][2].writes
    assert write.HasField("update_mask")
    assert not write.update_mask.field_paths
    assert not write.update.fields


def test_a_listing_asks_for_ids_alone(driver, server):
    """The mask is present and empty, so that production sends no fields, and missing parents are asked for."""
    driver.scan_ids("governors")
    ((_, _, request),) = server.calls
    assert request.HasField("mask")
    assert not request.mask.field_paths
    assert request.show_missing


def test_a_put_replaces_the_document(driver, server):
    """A put has no mask, so that fields of the earlier document go."""
    driver.commit(put())
    assert not server.calls[0][2].writes[0].HasField("update_mask")


def test_a_commit_of_nothing_tells_the_time(driver, server):
    """Without a write there is nothing to commit, and the server's time is its time."""
    assert driver.commit().commit_time == NOW
    assert server.rpcs() == ["BatchGetDocuments"]


# What codes mean

TRANSIENT = ("UNAVAILABLE", "DEADLINE_EXCEEDED", "INTERNAL", "UNKNOWN", "CANCELLED")
CONFLICTS = ("FAILED_PRECONDITION", "ALREADY_EXISTS", "NOT_FOUND")
PERMANENT = ("INVALID_ARGUMENT", "PERMISSION_DENIED", "OUT_OF_RANGE", "UNIMPLEMENTED")
ON_COMMIT = {
    **dict.fromkeys(("ABORTED", "RESOURCE_EXHAUSTED"), StoreUnavailableError),
    **dict.fromkeys((*TRANSIENT, "DATA_LOSS"), CommitAmbiguousError),
    **dict.fromkeys(CONFLICTS, PreconditionFailedError),
    **dict.fromkeys(PERMANENT, StoreError),
}
ON_READ = {
    **dict.fromkeys(("ABORTED", "RESOURCE_EXHAUSTED", *TRANSIENT), StoreUnavailableError),
    **dict.fromkeys((*CONFLICTS, *PERMANENT, "DATA_LOSS"), StoreError),
}


@pytest.mark.parametrize(("code", "error"), ON_COMMIT.items())
def test_a_code_on_commit_is_its_error(driver, server, code, error):
    """Each code is one error, its text is kept, and the request is sent once."""
    server.failures.append((grpc.StatusCode[code], "the reason"))
    with pytest.raises(StoreError if error is not PreconditionFailedError else error, match="the reason") as caught:
        driver.commit(put(precondition=MustExist()))
    assert type(caught.value) is error
    assert server.rpcs() == ["Commit"]


@pytest.mark.parametrize("rpc", ["get_many", "scan", "query", "scan_ids"])
@pytest.mark.parametrize(("code", "error"), ON_READ.items())
def test_a_code_on_a_read_is_its_error(driver, server, code, error, rpc):
    """No read is ambiguous; what may pass is unavailable, everything else is for good."""
    server.failures.append((grpc.StatusCode[code], "the reason"))
    with pytest.raises(StoreError, match="the reason") as caught:
        getattr(driver, rpc)(AT if rpc == "get_many" else AT.collection)
    assert type(caught.value) is error
    assert len(server.calls) == 1


def test_an_exhausted_quota_asks_for_patience(driver, server):
    """RESOURCE_EXHAUSTED names a wait longer than the usual backoff."""
    server.failures.append((grpc.StatusCode.RESOURCE_EXHAUSTED, "Quota exceeded."))
    with pytest.raises(StoreUnavailableError) as caught:
        driver.commit(put())
    assert (caught.value.retry_after or 0.0) >= 1.0


@pytest.mark.parametrize(
    "details",
    ["gRPC message exceeds maximum size 4194304: 5200417", "Received message larger than max (5200417 vs. 4194304)"],
)
def test_a_message_that_is_too_large_is_no_quota(driver, server, details):
    """RESOURCE_EXHAUSTED also tells that a message will never fit; trying again would not help."""
    server.failures.append((grpc.StatusCode.RESOURCE_EXHAUSTED, details))
    with pytest.raises(DocumentTooLargeError) as caught:
        driver.commit(put())
    assert (caught.value.size, caught.value.limit) == (5_200_417, 4_194_304)


@pytest.mark.parametrize("rpc", ["commit", "get_many"])
def test_refused_credentials_are_tried_once_more(driver, server, rpc):
    """UNAUTHENTICATED leads to one more try with fresh credentials, which may succeed."""
    server.failures.append((grpc.StatusCode.UNAUTHENTICATED, "expired"))
    getattr(driver, rpc)(put() if rpc == "commit" else AT)
    assert len(server.calls) == 2


@pytest.mark.parametrize("rpc", ["commit", "get_many"])
def test_credentials_refused_twice_are_an_error_for_good(driver, server, rpc):
    """A second UNAUTHENTICATED is final."""
    server.failures += [(grpc.StatusCode.UNAUTHENTICATED, "expired")] * 3
    with pytest.raises(StoreError) as caught:
        getattr(driver, rpc)(put() if rpc == "commit" else AT)
    assert not caught.value.retryable
    assert len(server.calls) == 2


def test_an_unguarded_commit_has_no_conflict(driver, server):
    """Where no write had a precondition, none can have failed: waiting for it to hold would never end."""
    server.failures.append((grpc.StatusCode.FAILED_PRECONDITION, "an index is missing"))
    with pytest.raises(StoreError, match="an index is missing"):
        driver.commit(put())


def test_a_missing_database_is_no_conflict(driver, server):
    """NOT_FOUND also tells that the project has no such database."""
    details = "The database (default) does not exist for project p"
    server.failures.append((grpc.StatusCode.NOT_FOUND, details))
    with pytest.raises(StoreError, match="does not exist"):
        driver.commit(put(precondition=MustExist()))


def test_the_only_guarded_document_is_named(driver, server):
    """With one precondition in a commit it is known which one failed."""
    server.failures.append((grpc.StatusCode.FAILED_PRECONDITION, "no name here"))
    with pytest.raises(PreconditionFailedError) as caught:
        driver.commit(put(precondition=MustExist()), put(at=OTHER))
    assert caught.value.path == str(AT)


def test_a_document_that_the_server_names_is_named(driver, server):
    """Among several preconditions the failed one is told where the text holds its name."""
    name = f"projects/p/databases/(default)/documents/{OTHER}"
    server.failures.append((grpc.StatusCode.ALREADY_EXISTS, f"Document already exists: {name}"))
    with pytest.raises(PreconditionFailedError) as caught:
        driver.commit(put(precondition=MustExist()), put(at=OTHER, precondition=MustNotExist()))
    assert caught.value.path == str(OTHER)


def test_a_read_that_ends_early_is_unavailable(driver, server):
    """A stream that ends well but tells too little is not taken for missing documents."""
    server.dropped = 1
    with pytest.raises(StoreUnavailableError):
        driver.get_many(AT, OTHER)


def test_a_deadline_on_a_read_is_unavailable(driver, server):
    """A read that takes too long ends at its timeout."""
    server.release.clear()
    with pytest.raises(StoreUnavailableError, match="DEADLINE_EXCEEDED"):
        driver.get_many(AT, timeout=0.1)


def test_a_deadline_on_commit_is_ambiguous(driver, server):
    """A commit that ends at its timeout may have been applied."""
    server.release.clear()
    with pytest.raises(CommitAmbiguousError, match="DEADLINE_EXCEEDED"):
        driver.commit(put(), timeout=0.1)


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_a_dead_server_is_unavailable(monkeypatch, colour):
    """A refused connection is an error that trying again may mend."""
    monkeypatch.setenv(HOST, "127.0.0.1:1")
    with _driver(colour, "p") as dead, pytest.raises(StoreUnavailableError):
        dead.get_many(AT)


@pytest.mark.parametrize("removed", [False, True], ids=["broken stream", "target removed"])
def test_a_watch_that_breaks_says_so(driver, server, removed):
    """A watch that ends before its time is an error: changes may have been missed."""
    if removed:
        server.removed = grpc.StatusCode.UNAVAILABLE
    else:
        server.failures.append((grpc.StatusCode.UNAVAILABLE, "the reason"))
    with pytest.raises(StoreUnavailableError, match="the reason"):
        driver.watch(AT)


def test_a_watch_that_the_server_ends_says_so(driver, server):
    """A stream that ends well, but early, is an error too."""
    with pytest.raises(StoreUnavailableError, match="early"):
        driver.watch(AT)


# What ends a call from this side


async def _under_way(server, call):
    server.release.clear()
    task = asyncio.ensure_future(call)
    assert await asyncio.to_thread(server.arrived.wait, TIMEOUT)
    return task


@pytest.mark.parametrize("rpc", ["commit", "get_many"])
async def test_a_cancelled_task_is_cancelled(server, rpc):
    """The cancellation of the caller's own task passes through unchanged."""
    backend = AsyncFirestoreBackend("p")
    argument = [put()] if rpc == "commit" else [AT]
    task = await _under_way(server, getattr(backend, rpc)(argument, timeout=TIMEOUT))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await backend.close()


async def test_a_commit_cut_off_by_close_is_ambiguous(server):
    """Closing the backend cancels nobody's task: a commit under way has lost its verdict."""
    backend = AsyncFirestoreBackend("p")
    task = await _under_way(server, backend.commit([put()], timeout=TIMEOUT))
    await backend.close()
    with pytest.raises(CommitAmbiguousError):
        await task


def test_a_closed_backend_refuses(driver):
    """After close nothing is sent, and a second close does nothing."""
    driver.get_many(AT)
    driver.close()
    driver.close()
    with pytest.raises(StoreError, match="closed"):
        driver.get_many(AT)


# What is refused before it is sent


@pytest.mark.parametrize("second", [put(), Delete(AT), Check(AT, MustExist())], ids=lambda write: type(write).__name__)
def test_a_path_given_twice_is_refused(driver, server, second):
    """A document occurs at most once in a commit; nothing is sent."""
    with pytest.raises(InvalidDataError) as caught:
        driver.commit(put(), second)
    assert caught.value.path == str(AT)
    assert server.calls == []


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (2**63, "data.items[1].n"),
        ("\ud800", "data.items[1].n"),
        ((1,), "data.items[1].n"),
        (datetime(2026, 1, 1), "data.items[1].n"),  # noqa: DTZ001 - a naive one is what must be refused
        ({1: 2}, "data.items[1].n"),
    ],
    ids=["large int", "surrogate", "tuple", "naive datetime", "int key"],
)
def test_a_value_of_no_type_is_refused(driver, server, value, path):
    """What Firestore cannot hold is refused with its place, and nothing is sent."""
    with pytest.raises(InvalidDataError) as caught:
        driver.commit(put({"data": {"items": [0, {"n": value}]}}))
    assert caught.value.path == path
    assert server.calls == []


def test_a_document_that_is_too_large_is_not_sent(driver, server):
    """A document over 1 MiB is refused here."""
    with pytest.raises(DocumentTooLargeError):
        driver.commit(put({"text": "x" * 600_000, "more": "y" * 500_000}))
    assert server.calls == []


def test_a_commit_that_is_too_large_is_not_sent(driver, server):
    """Documents over 4 MiB together are refused here: more is not taken by the emulator."""
    with pytest.raises(DocumentTooLargeError) as caught:
        driver.commit(*(put({"text": "x" * 900_000}, at=DocumentPath("c", f"{n}")) for n in range(5)))
    assert caught.value.limit == driver.backend.limits.commit_bytes
    assert server.calls == []


def test_production_takes_ten_mebibytes(monkeypatch):
    """Without an emulator the limit of a commit is production's."""
    monkeypatch.delenv(HOST, raising=False)
    assert FirestoreBackend("p").limits.commit_bytes == 10 * 1024 * 1024


# Beside the official client, on the emulator


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
    with _driver("sync", tai_state_project, root="apps/x") as rooted:
        rooted.commit(put())
        assert [one.path for one in rooted.scan(AT.collection)] == [AT]
        assert rooted.scan_ids("governors") == ["g"]
    assert official.document(f"apps/x/{AT}").get().exists


@pytest.mark.emulator
@pytest.mark.parametrize("kind", ["reference", "geo_point"])
@pytest.mark.parametrize("how", ["get", "scan"])
def test_a_foreign_value_is_named(real, official, kind, how):
    """A value of a type that we never write is an error that names document and field, not a crash."""
    foreign = {"reference": official.document("a/b"), "geo_point": firestore.GeoPoint(1, 2)}[kind]
    official.document(str(AT)).set({"fine": 1, "data": {"list": [0, {"x": foreign}]}})
    with pytest.raises(InvalidDataError, match=f"{AT} holds a {kind}") as caught:
        real.get_many(AT) if how == "get" else real.scan(AT.collection)
    assert caught.value.path == "data.list[1].x"


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
    with _driver("sync", tai_state_project) as made:
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


# Where it is found


def test_nothing_of_google_is_imported_before_first_use():
    """A backend that is made and not used costs no import of google or grpc."""
    program = """
        import sys
        from tai_state._sync.backends.firestore import FirestoreBackend
        from tai_state._async.backends.firestore import AsyncFirestoreBackend
        FirestoreBackend("p", root="a/b"), AsyncFirestoreBackend()
        print(sorted({name.partition(".")[0] for name in sys.modules} & {"google", "grpc"}))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_fork_has_a_channel_of_its_own(server):
    """A backend used before a fork works in the child and in the parent."""
    program = """
        import os
        from tai_state._sync.backends.firestore import FirestoreBackend
        backend = FirestoreBackend("p")
        backend.server_time(timeout=10)
        link = backend._channels.open()
        child = os.fork()
        assert (backend._channels.open() is link) == bool(child)
        backend.server_time(timeout=10)
        backend.close()
        if child:
            raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True, timeout=60)
    assert len(server.calls) == 3


def test_event_loops_have_channels_of_their_own(server):
    """One backend serves one event loop after the other, and forgets those that are closed."""
    backend = AsyncFirestoreBackend("p")
    for _ in range(3):
        asyncio.run(backend.commit([put()], timeout=TIMEOUT))
    assert server.rpcs() == ["Commit"] * 3
    assert len(backend._channels._links) == 1
    asyncio.run(backend.close())


@pytest.mark.parametrize("kind", [firestore.Client, firestore.AsyncClient])
def test_a_ready_client_tells_where(server, kind):
    """Project and database are those of the client that was handed in, which stays open."""
    with _driver("sync", client=kind(project="theirs", database="d")) as made:
        made.commit(put())
    assert server.calls[0][2].database == "projects/theirs/databases/d"


def test_a_client_for_another_project_is_refused(server):
    """Two different answers to where the data lives are an error."""
    with pytest.raises(ConfigurationError, match="theirs"):
        FirestoreBackend("ours", client=firestore.Client(project="theirs"))


def test_something_else_than_a_client_is_refused():
    """A wrong object is an error that names what is wanted."""
    with pytest.raises(ConfigurationError, match="AsyncClient"):
        FirestoreBackend(client=object())


@pytest.mark.parametrize(
    "root", ["apps", "apps/x/y", "/apps", "apps/", "apps//x/y", "apps/..", "a/__x__", "a/\ud800", "a/" + "x" * 1_500]
)
def test_a_root_that_is_no_document_path_is_refused(root):
    """A root that could not hold a store is refused when the backend is made."""
    with pytest.raises(ConfigurationError, match="root"):
        FirestoreBackend("p", root=root)


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """No emulator, no project, no credentials, and nobody to ask for them."""
    for name in (HOST, "GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT", "GOOGLE_APPLICATION_CREDENTIALS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_a_missing_project_is_a_configuration_error(nowhere, colour):
    """Without a project the error names the variable to set, on first use."""
    with _driver(colour) as made, pytest.raises(ConfigurationError, match="GOOGLE_CLOUD_PROJECT"):
        made.get_many(AT)


def test_missing_credentials_are_a_configuration_error(nowhere):
    """Without credentials the error names the command and the variable that give them."""
    with _driver("sync", "p") as made, pytest.raises(ConfigurationError, match="application-default login"):
        made.get_many(AT)


class _Credentials(google.auth.credentials.Credentials):
    refreshed = 0

    def refresh(self, request):
        self.refreshed += 1


def test_credentials_are_refreshed(nowhere):
    """A refresh asks the client's own credentials for a new token."""
    credentials = _Credentials()
    source = Source(None, "(default)", firestore.Client(project="p", credentials=credentials))
    source.refresh_credentials()
    assert credentials.refreshed == 1


# Times


def test_a_time_finer_than_microseconds_is_refused():
    """Given back as a precondition such a time would never match, so it is not read at all."""
    response = messages.CommitResponse.pb()()
    response.commit_time.nanos = 1_500
    with pytest.raises(InvalidDataError):
        values.read_time(response.commit_time)


@pytest.mark.parametrize(
    "moment",
    [datetime.min, datetime.max, datetime(1969, 12, 31, 23, 59, 59, 999_999)],  # noqa: DTZ001, DTZ901
)
def test_any_moment_round_trips(moment):
    """Times before the epoch, and the first and the last that there are, come back exact."""
    raw = messages.CommitResponse.pb()()
    values.write_time(raw.commit_time, moment.replace(tzinfo=UTC))
    assert values.read_time(raw.commit_time) == moment.replace(tzinfo=UTC)
    assert 0 <= raw.commit_time.nanos < 10**9
    assert timedelta(0) == moment.replace(tzinfo=UTC).utcoffset()
