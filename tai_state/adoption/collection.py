"""Documents of a Firestore collection that somebody else's code writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from google.api_core.exceptions import (
    DeadlineExceeded,
    GoogleAPICallError,
    InternalServerError,
    RetryError,
    ServiceUnavailable,
    TooManyRequests,
)
from google.api_core.retry import Retry, if_exception_type
from google.auth.exceptions import DefaultCredentialsError
from google.cloud import firestore
from google.cloud.firestore_v1.base_document import BaseDocumentReference, DocumentSnapshot
from google.cloud.firestore_v1.base_query import FieldFilter
from google.cloud.firestore_v1.vector import Vector

from tai_state import ConfigurationError, StoreError, StoreUnavailableError
from tai_state.adoption.rows import Mark, Row

if TYPE_CHECKING:
    from datetime import datetime

_PAGE_DOCUMENTS = 100
"""How many documents a request reads: at 1 MiB each, which is the most, a small process holds them."""

_CALL_SECONDS = 60.0
"""How long a request may take, retries included."""

# The client's own retries have no end where its stream breaks.
_TRANSIENT = if_exception_type(DeadlineExceeded, InternalServerError, ServiceUnavailable, TooManyRequests)


class CollectionSource:
    """The documents of one collection, in the order of their ids; those of its subcollections are none of them.

    A mark holds the id of a document, so that what comes behind it is read, and nothing again. What a store does not
    take stands in other words, the same ones each time: a reference as its path, a place as a map of its latitude and
    longitude, a vector as a list.
    """

    id_field = None

    def __init__(
        self,
        path: str,
        *,
        project: str | None = None,
        database: str = "(default)",
        client: firestore.Client | None = None,
        moves_key: str | None = None,
    ) -> None:
        """Name the collection: "orders", or "shops/s-1/orders"; nothing is read yet.

        Args:
            project: None: as the official client finds it. ``FIRESTORE_EMULATOR_HOST`` counts as it does there.
            client: What reads; it stays open.
            moves_key: Earlier moves are in a collection of their own, whose documents name the id of theirs in this
                field; None: in a subcollection of each document.

        Raises:
            ConfigurationError: That is no path of a collection, or there are no credentials.
        """
        parts = path.strip("/").split("/")
        if len(parts) % 2 == 0 or not all(parts):
            message = f"{path!r} is no path of a collection: it has a name, or document and collection in turn"
            raise ConfigurationError(message)
        self.path = "/".join(parts)
        self.governor: str | None = parts[-1]
        try:
            self._client = client or firestore.Client(project=project, database=database)
        except (DefaultCredentialsError, OSError) as error:
            message = f"no project or no credentials to read {self.path!r}: {error}"
            raise ConfigurationError(message) from error
        self.name = f"{self._client.project}/{database}/{self.path}"
        self._moves_key = moves_key

    def fingerprint(self) -> str:
        """Return nothing that changes: documents that come or go move no other."""
        return "by id"

    def rows(self, after: Mark | None, *, history: str | None) -> Iterator[Row]:
        """Yield the documents behind *after*, and where *history* names their moves, those, too.

        Raises:
            StoreUnavailableError: Firestore could not be reached.
            StoreError: It refused.
        """
        behind = None if after is None else str(after["id"])
        while True:
            with _told(self.name):
                page = self._page(behind)
            for document in page:
                with _told(self.name):
                    earlier = None if history is None else self._moves(document, history)
                yield self._row(document, earlier)
            if len(page) < _PAGE_DOCUMENTS:
                return
            behind = page[-1].id

    def _page(self, behind: str | None) -> list[DocumentSnapshot[Any]]:
        collection = self._client.collection(self.path)
        query = collection.order_by("__name__").limit(_PAGE_DOCUMENTS)
        if behind is not None:
            query = query.start_after({"__name__": collection.document(behind)})
        return _all_of(query)

    def _row(self, document: DocumentSnapshot[Any], earlier: list[dict[str, Any]] | None) -> Row:
        path = document.reference.path
        plain = _Plain()
        fields = {name: plain.value(value) for name, value in (document.to_dict() or {}).items()}
        written: datetime | None = document.update_time
        origin: dict[str, Any] = {"source": path, "project": self._client.project}
        if written is not None:
            origin["update_time"] = written.isoformat()
        return Row(
            path,
            origin,
            {"id": document.id},
            fields,
            id=document.id,
            time=written,
            earlier=earlier,
            converted=plain.converted,
        )

    def _moves(self, document: DocumentSnapshot[Any], place: str) -> list[dict[str, Any]]:
        if self._moves_key is None:
            found = _all_of(document.reference.collection(place).order_by("__name__"))
        else:
            wanted = FieldFilter(self._moves_key, "==", document.id)
            found = _all_of(self._client.collection(place).where(filter=wanted))
        return [{name: _Plain().value(value) for name, value in (one.to_dict() or {}).items()} for one in found]


class _Plain:
    """Puts values in words that a store takes, and counts those that were others."""

    def __init__(self) -> None:
        self.converted = 0

    def value(self, value: Any) -> Any:
        if isinstance(value, Vector):
            self.converted += 1
            return [float(one) for one in value]
        if isinstance(value, Mapping):
            return {str(name): self.value(one) for name, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(one) for one in value]
        if isinstance(value, BaseDocumentReference):
            self.converted += 1
            return value.path
        if isinstance(value, firestore.GeoPoint):
            self.converted += 1
            return {"latitude": value.latitude, "longitude": value.longitude}
        return value


def _all_of(query: Any) -> list[DocumentSnapshot[Any]]:
    """Return what a query finds, asked again for a while where the server cannot answer."""
    again = Retry(predicate=_TRANSIENT, initial=0.1, maximum=5.0, timeout=_CALL_SECONDS)
    found: list[DocumentSnapshot[Any]] = again(lambda: list(query.stream(retry=None, timeout=_CALL_SECONDS)))()
    return found


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Tell what the client raises in this package's words.

    Raises:
        StoreUnavailableError, StoreError: As it was.
    """
    try:
        yield
    except (RetryError, DeadlineExceeded, InternalServerError, ServiceUnavailable, TooManyRequests) as error:
        raise StoreUnavailableError(f"{name} cannot be read: {error}") from error
    except GoogleAPICallError as error:
        raise StoreError(f"{name} cannot be read: {error}") from error
