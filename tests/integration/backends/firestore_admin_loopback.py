"""The APIs of those who administer a database, on loopback: Google's admin service, and that of security rules."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import grpc
import requests
from google.cloud import firestore_admin_v1 as admin
from google.cloud.firestore_admin_v1.services.firestore_admin.transports import FirestoreAdminGrpcTransport

from tai_state.indexes import Mode, needed

DATABASE = "projects/p/databases/(default)"
CONTAINING = {"array_config": "CONTAINS"}
"""The mode of a field whose lists are looked into."""


class AdminLoopback:
    """Fields, indexes and rules as they are put here; every request is kept."""

    def __init__(self):
        self.fields: list[Any] = []
        self.indexes: list[Any] = []
        self.refusal: grpc.StatusCode | None = None
        self.ruleset: str | None = "projects/p/rulesets/1"  # None: no rules are in force
        self.status = 200  # of the rules' API
        self.allowed: set[tuple[bool, str]] = set()  # whether signed in, and the method
        self.asked: list[Any] = []
        kinds: dict[str, tuple[Any, Any]] = {
            "ListFields": (self._list_fields, admin.ListFieldsRequest),
            "ListIndexes": (self._list_indexes, admin.ListIndexesRequest),
        }
        handlers: dict[str, Any] = {
            name: grpc.unary_unary_rpc_method_handler(
                answer,
                request_deserializer=request.pb().FromString,
                response_serializer=_serialized,
            )
            for name, (answer, request) in kinds.items()
        }
        self._server = grpc.server(ThreadPoolExecutor(2))
        service = "google.firestore.admin.v1.FirestoreAdmin"
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
        port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()
        self._http = HTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self._host = f"127.0.0.1:{port}"
        self.rules_api = f"http://127.0.0.1:{self._http.server_port}/v1"

    def ways(self):
        """Return what carries requests here."""
        transport = FirestoreAdminGrpcTransport(channel=grpc.insecure_channel(self._host))
        return {"transport": transport, "session": requests.Session(), "rules_api": self.rules_api}

    def stop(self):
        self._server.stop(None).wait()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def index_field(self, group, name, *scopes, **mode):
        """Say in which scopes a field is indexed; *mode*: otherwise than ascending."""
        field = admin.Index.IndexField(field_path=name, **(mode or {"order": "ASCENDING"}))
        indexes = [admin.Index(query_scope=scope, fields=[field]) for scope in scopes]
        self.fields.append(
            admin.Field(
                name=f"{DATABASE}/collectionGroups/{group}/fields/{name}",
                index_config=admin.Field.IndexConfig(indexes=indexes),
            )
        )

    def expire_field(self, group, name, state="ACTIVE"):
        """Give a field a TTL policy; nothing is said of its indexes."""
        self.fields.append(
            admin.Field(
                name=f"{DATABASE}/collectionGroups/{group}/fields/{name}",
                index_config=admin.Field.IndexConfig(uses_ancestor_config=True),
                ttl_config=admin.Field.TtlConfig(state=state),
            )
        )

    def make_needed(self):
        """Make the indexes that the package needs."""
        for index in needed():
            scope = "COLLECTION_GROUP" if index.is_group else "COLLECTION"
            if len(index.fields) == 1:
                ((name, mode),) = index.fields
                assert mode is Mode.CONTAINS
                self.index_field(index.collection, name, scope, array_config="CONTAINS")
                continue
            made = [_field(name, mode) for name, mode in index.fields]
            self._add(index.collection, made, scope, "READY")

    def make_index(self, group, *fields, scope="COLLECTION", state="READY"):
        """Make a composite index of fields that ascend."""
        self._add(group, [_field(name, Mode.ASCENDING) for name in (*fields, "__name__")], scope, state)

    def make_declared(self, index):
        """Make a composite index as ``firestore.indexes.json`` declares it."""
        fields = [
            admin.Index.IndexField(
                field_path=field["fieldPath"], **({"order": field["order"]} if "order" in field else CONTAINING)
            )
            for field in index["fields"]
        ]
        # The last one ends by its path in the same order, which the file need not say.
        if fields[-1].field_path != "__name__":
            fields.append(_field("__name__", Mode.ASCENDING))
        self._add(index["collectionGroup"], fields, index["queryScope"], "READY")

    def _add(self, group, made, scope, state):
        name = f"{DATABASE}/collectionGroups/{group}/indexes/{len(self.indexes)}"
        self.indexes.append(admin.Index(name=name, query_scope=scope, fields=made, state=state))

    def _list_fields(self, request, context):
        self._refuse(context)
        self.asked.append(request)
        return admin.ListFieldsResponse(fields=[one for one in self.fields if one.name.startswith(request.parent)])

    def _list_indexes(self, request, context):
        self._refuse(context)
        self.asked.append(request)
        return admin.ListIndexesResponse(indexes=self.indexes)

    def _refuse(self, context):
        if self.refusal is not None:
            context.abort(self.refusal, "you may not")


def _field(name: str, mode: Mode) -> admin.Index.IndexField:
    if mode is Mode.CONTAINS:
        return admin.Index.IndexField(field_path=name, array_config="CONTAINS")
    return admin.Index.IndexField(field_path=name, order=mode.name)


def _serialized(response: Any) -> bytes:
    return bytes(type(response).serialize(response))


def _handler(loopback: AdminLoopback) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            loopback.asked.append(self.path)
            if loopback.ruleset is None:
                self._answer(404, {"error": {"status": "NOT_FOUND"}})
            else:
                self._answer(loopback.status, {"name": self.path, "rulesetName": loopback.ruleset})

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            loopback.asked.append((self.path, body))
            results = [{"state": self._verdict(case)} for case in body["testSuite"]["testCases"]]
            self._answer(200, {"testResults": results})

        def _verdict(self, case):
            request = case["request"]
            is_allowed = (request["auth"] is not None, request["method"]) in loopback.allowed
            return "SUCCESS" if is_allowed == (case["expectation"] == "ALLOW") else "FAILURE"

        def _answer(self, status, body):
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_):
            pass

    return Handler
