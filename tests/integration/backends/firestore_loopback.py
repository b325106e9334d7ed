"""A Firestore on loopback that keeps what it was sent and answers as it is told, and a driver of either colour."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import grpc
from google.cloud.firestore_v1.types import firestore as messages

from tai_state._async.backends.firestore import AsyncFirestoreBackend
from tai_state._sync.backends.firestore import FirestoreBackend
from tai_state.backends.firestore import values
from tai_state.documents import DocumentPath, Put

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

    def query(self, query):
        return self._list(self.backend.query(query, timeout=TIMEOUT))

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


@contextmanager
def driven(colour, *args, **options):
    """Open a backend of that colour, and close it at the end."""
    made = Driver(colour, *args, **options)
    yield made
    made.end()


def put(fields=None, precondition=None, at=AT):
    return Put(at, {"n": 1} if fields is None else fields, precondition)
