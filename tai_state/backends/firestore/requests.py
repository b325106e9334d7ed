"""Requests as raw protobuf messages, their routing metadata, and what their responses hold."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from tai_state.documents import (
    DAMAGED,
    Check,
    CommitResult,
    Delete,
    Document,
    DocumentPath,
    FieldRange,
    MustExist,
    MustNotExist,
    Precondition,
    Put,
    Query,
    Read,
    Write,
    check_stamp,
)
from tai_state.errors import CommitAmbiguousError, InvalidDataError, StoreUnavailableError

from . import queries, sizes, values
from .client import Connection
from .names import Names

PAGE_DOCUMENTS = 300
LIMITED_DOCUMENTS = 1_001
"""A page of a scan with a limit: a caller's own page, and the document before it, with which a range begins, are one
request."""

PAGE_BYTES = 8 * 1024 * 1024
"""A page of a scan ends once it has this many bytes: documents of 1 MiB would make it 300 MiB."""

PROBE = DocumentPath("tai", "clock")
"""A document that is never written: reading it tells the server's time."""

_LISTEN_TARGET_ID = 1
_REQUEST_TIME = 1
_COUNT = "count"
_SOME_TIME = datetime(2026, 1, 1, tzinfo=UTC)

Metadata = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """What a scan is of: from *start* on (or *after* it), before *stop*."""

    collection: str
    start: str | None = None
    stop: str | None = None
    after: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether no id can be in it; Firestore refuses a range that ends before it starts."""
        return self.stop is not None and (self.start or "") >= self.stop

    def following(self, last: Document) -> "Selection":
        """Return what of it comes after *last*."""
        return replace(self, start=last.path.id, after=True)


class Requests:
    """Builds the requests to one database and reads their responses."""

    def __init__(self, connection: Connection, root: str) -> None:
        """Import the message classes, and prepare what every request carries."""
        from google.cloud.firestore_v1.types import firestore  # noqa: PLC0415 - nothing of google before first use

        self._messages: Any = firestore
        self._commit = firestore.CommitRequest.pb()
        self._batch_get = firestore.BatchGetDocumentsRequest.pb()
        self.names = Names(connection.database, root)
        self.is_emulator = connection.is_emulator
        self._limits = sizes.limits(emulator=connection.is_emulator)
        self._metadata: Metadata = (("google-cloud-resource-prefix", connection.database),)
        if connection.is_emulator:
            # It takes this for a client that no security rule binds, as server clients are.
            self._metadata += (("authorization", "Bearer owner"),)
        self.database_metadata = self._routed(database=connection.database)

    def _routed(self, **parameters: str) -> Metadata:
        # Production routes by this header, and refuses databases other than the default one without it.
        return (*self._metadata, ("x-goog-request-params", urlencode(parameters, safe="/")))

    def commit(self, writes: Sequence[Write]) -> bytes:
        """Return the CommitRequest that applies *writes*, as it goes over the wire: once made, its size is known, too.

        Raises:
            InvalidDataError: A path occurs twice, or a value cannot be stored.
            DocumentTooLargeError: A document or the whole commit is larger than Firestore takes.
        """
        _refuse_duplicates(writes)
        request = self._commit(database=self.names.database)
        maps = values.Maps()
        for write in writes:
            self._add(request.writes.add(), write, maps)
        raw: bytes = request.SerializeToString()
        if sizes.may_be_too_large(len(raw)):
            self._check(writes)
            sizes.check_commit(len(raw), self._limits.commit_bytes)
        return raw

    def _check(self, writes: Sequence[Write]) -> None:
        for write in writes:
            if isinstance(write, Put):
                relative = self.names.relative(self.names.document(write.path))
                fields = write.fields if write.stamped is None else {**write.fields, write.stamped: _SOME_TIME}
                sizes.check_document(write.path, relative, fields)

    def _add(self, target: Any, write: Write, maps: values.Maps) -> None:
        name = self.names.document(write.path)
        match write:
            case Put(fields=fields):
                # Without a mask the document is replaced as a whole.
                target.update.name = name
                values.write_fields(target.update.fields, fields, maps)
                if write.stamped is not None:
                    check_stamp(write)
                    target.update_transforms.add(field_path=write.stamped, set_to_server_value=_REQUEST_TIME)
            case Delete() | Check(precondition=MustNotExist()):
                # There is no request that only looks; removing what must not be there changes nothing.
                target.delete = name
            case Check():
                # The mask must be present, though empty: with none, the document would be wiped.
                target.update.name = name
                target.update_mask.SetInParent()
        if write.precondition is not None:
            _set_precondition(target.current_document, write.precondition)

    def commit_result(self, writes: Sequence[Write], response: Any) -> CommitResult:
        """Return what a CommitResponse says of *writes*.

        Raises:
            CommitAmbiguousError: The response cannot be read, so the commit's outcome is unknown.
        """
        results = response.write_results
        try:
            # The response tells the results in the order of the writes; from here on they go by path.
            times = {
                write.path: values.read_time(result.update_time)
                for write, result in zip(writes, results, strict=True)
                if isinstance(write, Put)
            }
            return CommitResult(values.read_time(response.commit_time), times)
        except ValueError as error:
            message = f"the response to a commit of {len(writes)} writes cannot be read: {error}"
            raise CommitAmbiguousError(message) from error

    def batch_get(self, paths: Iterable[DocumentPath], at: datetime | None = None) -> Any:
        """Return the request that reads *paths*, as of *at* when given."""
        request = self._batch_get(database=self.names.database, documents=map(self.names.document, paths))
        if at is not None:
            values.write_time(request.read_time, at)
        return request

    def read(self, paths: Sequence[DocumentPath], responses: Sequence[Any]) -> Read:
        """Return what the responses to ``batch_get`` hold, in whichever order they came.

        A document that holds what tai_state never writes comes back with the one field DAMAGED.

        Raises:
            StoreUnavailableError: The stream ended before it told of every document.
        """
        if len(responses) != len(paths):
            message = f"a read of {len(paths)} documents ended after {len(responses)}"
            raise StoreUnavailableError(message)
        names = {self.names.document(path): path for path in paths}
        found = [response.found for response in responses if response.HasField("found")]
        documents = {names[raw.name]: _document(names[raw.name], raw) for raw in found}
        # Production: an earlier response has not changed by the time of a later one.
        return Read(documents, max(values.read_time(response.read_time) for response in responses))

    def scan(self, selection: Selection, limit: int) -> tuple[Any, Metadata]:
        """Return the request for the first *limit* documents of *selection*, by id, and its metadata."""
        request, parent = self._run_query(selection.collection, limit)
        query = request.structured_query
        # Explicit, though it is the default: a cursor needs it. Only ascending works without an index.
        order = query.order_by.add(direction=1)
        order.field.field_path = "__name__"
        if selection.start:
            query.start_at.before = not selection.after
            query.start_at.values.add().reference_value = self._cursor(selection, selection.start)
        if selection.stop:
            query.end_at.before = True
            query.end_at.values.add().reference_value = self._cursor(selection, selection.stop)
        return request, self._routed(parent=parent)

    def _cursor(self, selection: Selection, stored_id: str) -> str:
        return self.names.document(DocumentPath(selection.collection, stored_id))

    def query(self, query: Query, limit: int) -> tuple[Any, Metadata]:
        """Return the request for the first *limit* documents of *query*, and its metadata."""
        request, parent = self._run_query(query.collection, limit)
        request.structured_query.from_[0].all_descendants = query.is_group
        queries.write_query(request.structured_query, query, self.names)
        return request, self._routed(parent=parent)

    def count(self, query: Query) -> tuple[Any, Metadata]:
        """Return the request for the number of the documents of *query*, and its metadata."""
        parent, last = self.names.collection(query.collection)
        request = self._messages.RunAggregationQueryRequest.pb()(parent=parent)
        counted = request.structured_aggregation_query.structured_query
        counted.from_.add(collection_id=last, all_descendants=query.is_group)
        queries.write_query(counted, query, self.names)
        request.structured_aggregation_query.aggregations.add(alias=_COUNT).count.SetInParent()
        return request, self._routed(parent=parent)

    def counted(self, responses: Iterable[Any]) -> int:
        """Return the number in the responses to ``count``.

        Raises:
            StoreUnavailableError: The stream ended before it told of one.
        """
        for response in responses:
            if _COUNT in response.result.aggregate_fields:
                return int(response.result.aggregate_fields[_COUNT].integer_value)
        message = "a count ended before it told of a number"
        raise StoreUnavailableError(message)

    def _run_query(self, collection: str, limit: int) -> tuple[Any, str]:
        parent, last = self.names.collection(collection)
        request = self._messages.RunQueryRequest.pb()(parent=parent)
        request.structured_query.from_.add().collection_id = last
        request.structured_query.limit.value = limit
        return request, parent

    def documents(self, responses: Iterable[Any], within: FieldRange | None = None) -> list[Document]:
        """Return the documents in the responses to ``run_query``; some of those only tell of progress.

        Args:
            within: The range by whose field they are ordered: it can be read of a damaged one, too, or it had not been
                found.
        """
        raws = [response.document for response in responses if response.HasField("document")]
        found = [_document(self.names.path(raw.name), raw) for raw in raws]
        if within is not None:
            for raw, one in zip(raws, found, strict=True):
                if DAMAGED in one.fields:
                    one.fields[within.name] = values.read_value(raw.fields[within.name])
        return found

    def list_documents(self, collection: str, token: str, size: int) -> tuple[Any, Metadata]:
        """Return the request for a page of *size* ids at most, missing parents among them, and its metadata."""
        parent, last = self.names.collection(collection)
        request = self._messages.ListDocumentsRequest.pb()(
            parent=parent, collection_id=last, page_size=size, page_token=token, show_missing=True
        )
        request.mask.SetInParent()  # present and empty: names alone
        return request, self._routed(parent=parent, collection_id=last)

    def ids(self, response: Any) -> Iterator[str]:
        """Iterate over the ids in a ListDocumentsResponse."""
        return (raw.name.rpartition("/")[2] for raw in response.documents)

    def listen(self, path: DocumentPath) -> tuple[Any, Metadata]:
        """Return the request to be told of changes of *path*, and its metadata."""
        request = self._messages.ListenRequest.pb()(database=self.names.database)
        request.add_target.target_id = _LISTEN_TARGET_ID
        request.add_target.documents.documents.append(self.names.document(path))
        return request, self._metadata


def _refuse_duplicates(writes: Sequence[Write]) -> None:
    if len({write.path for write in writes}) == len(writes):
        return
    seen: set[DocumentPath] = set()
    for write in writes:
        if write.path in seen:
            message = "the document occurs twice in one commit"
            raise InvalidDataError(message, path=str(write.path))
        seen.add(write.path)


def _set_precondition(target: Any, precondition: Precondition) -> None:
    match precondition:
        case MustNotExist():
            target.exists = False
        case MustExist():
            target.exists = True
        case _:
            values.write_time(target.update_time, precondition.update_time)


def _document(path: DocumentPath, raw: Any) -> Document:
    try:
        fields = values.read_fields(raw.fields, path)
    except InvalidDataError as error:
        fields = {DAMAGED: str(error)}
    return Document(path, fields, values.read_time(raw.create_time), values.read_time(raw.update_time), raw.ByteSize())
