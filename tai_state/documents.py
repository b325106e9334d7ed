"""The port's words: what every backend reads and writes.

A document is a map of fields at a path, with the times at which the store
created and last changed it. Paths hold *stored* ids (see ``layout.py``), so no
segment contains a slash and every engine sorts them alike.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from tai_state.errors import UnsupportedOperationError

Value = Any
"""None, bool, int (64 bit), float, str, bytes, aware datetime, list or dict of these.

Lists inside lists and empty or reserved keys never reach a backend: the codec
wraps such values first.
"""

Fields = Mapping[str, Value]

DAMAGED = "tai_damaged"
"""The one field of a document whose content cannot be read: what is wrong with it.

A backend gives such a document in the place of an error: it is a finding for those who know what it should hold, and no
reason to refuse its neighbours.
"""


class Capability(StrEnum):
    """What a backend declares that it can do, and the conformance suite proves."""

    DURABLE = "durable"  # what was acknowledged survives the death of the process
    SHARED = "shared"  # several processes may use the same store at once
    WATCH = "watch"  # changes of a document wake a waiter
    READ_AT = "read_at"  # reads can be of an earlier moment
    STEADY_READS = "steady_reads"  # a batch is as of one moment even when it need not be consistent
    ONE_HOST = "one_host"  # all that use it run on one host, where one process sees that another has died


@dataclass(frozen=True, slots=True)
class Limits:
    """The sizes that a backend takes; None where it has no such limit of its own."""

    document_bytes: int
    commit_bytes: int
    commit_writes: int | None = None


@dataclass(frozen=True, slots=True, order=True)
class DocumentPath:
    """A document's place: its collection, such as ``governors/g/states``, and its stored id."""

    collection: str
    id: str

    def __str__(self) -> str:
        """Return ``collection/id``."""
        return f"{self.collection}/{self.id}"


@dataclass(frozen=True, slots=True)
class Document:
    """A document as read. The store's clock gives both times; ``update_time`` rises with every change.

    ``size`` is about how many bytes the engine sent for it, 0 where a backend does not tell: pages are bounded by it.
    """

    path: DocumentPath
    fields: dict[str, Value]
    create_time: datetime
    update_time: datetime
    size: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class MustNotExist:
    """The document must not be there."""


@dataclass(frozen=True, slots=True)
class MustExist:
    """The document must be there, whatever it holds."""


@dataclass(frozen=True, slots=True)
class UpdatedAt:
    """The document must be there, unchanged since *update_time*."""

    update_time: datetime


Precondition = MustNotExist | MustExist | UpdatedAt


@dataclass(frozen=True, slots=True)
class Put:
    """Create the document or replace all its fields."""

    path: DocumentPath
    fields: Fields
    precondition: Precondition | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove the document; without a precondition a missing one is fine."""

    path: DocumentPath
    precondition: Precondition | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """Change nothing, but let the whole commit fail unless *precondition* holds."""

    path: DocumentPath
    precondition: Precondition


Write = Put | Delete | Check


@dataclass(frozen=True, slots=True)
class CommitResult:
    """The outcome of a commit: its time, and the update_time of each document that a Put left behind, by path."""

    commit_time: datetime
    update_times: Mapping[DocumentPath, datetime]


@dataclass(frozen=True, slots=True)
class Read:
    """What one read saw: the documents that exist, by path, as of ``read_time`` of the store's clock."""

    documents: Mapping[DocumentPath, Document]
    read_time: datetime

    def get(self, path: DocumentPath) -> Document | None:
        """Return the document at *path*, or None where there was none."""
        return self.documents.get(path)


@dataclass(frozen=True, slots=True)
class FieldEquals:
    """A condition of a query: the top-level field *name* equals *value* (a str, int or bool)."""

    name: str
    value: str | int | bool


Conditions = Sequence[FieldEquals]


def refuse_past(at: datetime | None) -> None:
    """Refuse to read an earlier moment: what a backend does that does not declare ``READ_AT``.

    Raises:
        UnsupportedOperationError: *at* is given.
    """
    if at is not None:
        message = "this backend reads the present alone"
        raise UnsupportedOperationError(message)
