"""What is prepared: the document in which a store keeps what a transaction over several stores is to write there.

It is made in one commit with the marks of the states concerned, and closed in one commit with them. Which states have a
mark follows from it: so marks that were lost are written again. Closed it stays for some days, thin: a prepare that was
under way until then is refused by it, for good.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tai_state.codec import Payload, dump_fields, from_json
from tai_state.config import TTL_MAX, Encoding
from tai_state.documents import (
    Check,
    Delete,
    Document,
    DocumentPath,
    FieldEquals,
    MustExist,
    MustNotExist,
    Precondition,
    Put,
    Query,
    Value,
    Write,
)
from tai_state.errors import InvalidDataError, InvalidIdError, StoreError
from tai_state.layout import FORMAT, PREPARED, check_id, escape, state_layout, state_of
from tai_state.rules.records.fields import FieldError, check_format, take, take_list, take_or_none, take_payload
from tai_state.rules.records.occasional import Prepared

IS_OPEN = "is_open"
"""The field by which the parts that are not settled are looked for."""

CLOSED_KEPT = timedelta(days=3)
"""How long it is kept that a part is settled: longer than anything is under way, and than its decision stands."""

_VERDICTS = ("commit", "abort")

_PRECONDITIONS: Mapping[str, Precondition | None] = {"": None, "absent": MustNotExist(), "there": MustExist()}
_WORDS: Mapping[Precondition | None, str] = {precondition: word for word, precondition in _PRECONDITIONS.items()}


@dataclass(frozen=True, slots=True)
class Part:
    """What one store does in a transaction over several.

    Attributes:
        name: What the transaction calls the store.
        coordinator_id: The id of the store in which the decision is.
        coordinator: Its URL; "": it has none.
        lease_seconds: How long it may take to decide.
        states: Those concerned, read or written, each with the version at which it was found; 0: there was none.
        writes: What is written where it commits, by path; a state's replaces what stands there under the mark.
    """

    transaction_id: str
    name: str
    coordinator_id: str
    coordinator: str
    lease_seconds: float
    states: Mapping[DocumentPath, int]
    writes: Mapping[DocumentPath, Write]

    @property
    def path(self) -> DocumentPath:
        """Where it stands."""
        return prepared_path(self.transaction_id)

    @property
    def mark(self) -> Prepared:
        """The mark of each of its states."""
        return Prepared(self.transaction_id, self.coordinator)

    def fields(self, encoding: Encoding) -> dict[str, Value]:
        """Return the fields of its document."""
        written = [_written(write) for write in self.writes.values()]
        return {
            "format": FORMAT,
            IS_OPEN: True,
            "transaction_id": self.transaction_id,
            "name": self.name,
            "coordinator_id": self.coordinator_id,
            "coordinator": self.coordinator,
            "lease_seconds": float(self.lease_seconds),
            "states": [
                {"collection": path.collection, "id": path.id, "version": version}
                for path, version in self.states.items()
            ],
            # Compressed whatever its size: as maps, each field of it would be indexed.
            "writes": Payload.of({"writes": written}, "what is prepared").field(encoding.compressing()),
        }


@dataclass(frozen=True, slots=True)
class Closed:
    """What is left of a part that is settled, or was never prepared and cannot be any more.

    Attributes:
        verdict: How it was settled: ``commit`` or ``abort``.
        is_forced: Whether an operator said so, without the decision.
    """

    transaction_id: str
    verdict: str
    is_forced: bool = False

    @property
    def path(self) -> DocumentPath:
        """Where it stands."""
        return prepared_path(self.transaction_id)

    def fields(self, now: datetime) -> dict[str, Value]:
        """Return the fields of its document, which expires."""
        return {
            "format": FORMAT,
            IS_OPEN: False,
            "transaction_id": self.transaction_id,
            "verdict": self.verdict,
            "is_forced": self.is_forced,
            "ttl_seconds": CLOSED_KEPT.total_seconds(),
            # Feeds the engine's removal of what has expired; by the clock of whoever closed it.
            "tai_expires_at": now + CLOSED_KEPT,
        }


def open_parts() -> Query:
    """Return what is asked for to find the parts that are not settled."""
    return Query(collection=PREPARED, equal=(FieldEquals(IS_OPEN, value=True),))


def prepared_path(transaction_id: str) -> DocumentPath:
    """Return where a store keeps what it is to do in a transaction."""
    return DocumentPath(PREPARED, escape(transaction_id, "transaction_id"))


def read_prepared(document: Document) -> Part | Closed:
    """Return what is prepared in a document, or that it is settled.

    Raises:
        StoreError: It is none of ours, or damaged.
        SchemaVersionError: A newer release wrote it.
    """
    fields = document.fields
    try:
        check_format(fields, document.path)
        transaction_id = take(fields, "transaction_id", str)
        # A document that was copied elsewhere would be settled as another transaction.
        _check_place(document.path, transaction_id)
        if not take(fields, IS_OPEN, bool):
            return Closed(transaction_id, _verdict(fields), take(fields, "is_forced", bool))
        writes = [_write_from(one) for one in take_list(take_payload(fields, "writes").value(), "writes", dict)]
        return Part(
            transaction_id=transaction_id,
            name=check_id(take(fields, "name", str), "name"),
            coordinator_id=take(fields, "coordinator_id", str),
            coordinator=take(fields, "coordinator", str),
            lease_seconds=take_lease(fields).total_seconds(),
            states={_state_path(one): take(one, "version", int) for one in take_list(fields, "states", dict)},
            writes={write.path: write for write in writes},
        )
    except (AttributeError, FieldError, InvalidDataError, InvalidIdError, KeyError, TypeError) as error:
        message = f"document {document.path} tells nothing that was prepared: {error}"
        raise StoreError(message) from error


def take_lease(fields: Mapping[str, Value]) -> timedelta:
    """Return how long a transaction may take to decide.

    Raises:
        FieldError: The field that says so is missing, or damaged.
    """
    seconds = take(fields, "lease_seconds", float)
    # So that no time to which it is added is one that cannot be; NaN is in no range.
    if not 0 <= seconds <= TTL_MAX.total_seconds():
        message = f"field 'lease_seconds' says {seconds:g}"
        raise FieldError(message)
    return timedelta(seconds=seconds)


def _verdict(fields: Mapping[str, Value]) -> str:
    verdict = take(fields, "verdict", str)
    if verdict not in _VERDICTS:
        message = f"field 'verdict' says {verdict!r}"
        raise FieldError(message)
    return verdict


def _state_path(kept: Mapping[str, Value]) -> DocumentPath:
    path = DocumentPath(take(kept, "collection", str), take(kept, "id", str))
    ids = state_of(str(path))
    # Whoever settles reads and writes it as a state.
    if not all(ids) or state_layout(*ids).state != path:
        message = f"{path} is no place of a state"
        raise FieldError(message)
    return path


def _check_place(path: DocumentPath, transaction_id: str) -> None:
    if prepared_path(transaction_id) != path:
        message = "it names another transaction"
        raise FieldError(message)


def _written(write: Write) -> dict[str, Any]:
    """Return a write as it is kept: without the time of the document that it replaces, which the mark moves."""
    kept: dict[str, Any] = {"collection": write.path.collection, "id": write.path.id}
    if isinstance(write, Put):
        # In a form of their own: what a payload holds is JSON already, and is not to be looked into.
        kept |= {"fields": dump_fields(write.fields).decode(), "stamped": write.stamped}
    elif isinstance(write, Check):
        kept["check"] = True
    return {**kept, "must": _WORDS.get(write.precondition, "")}


def _write_from(kept: Mapping[str, Any]) -> Write:
    path = DocumentPath(take(kept, "collection", str), take(kept, "id", str))
    precondition = _PRECONDITIONS[take(kept, "must", str)]
    if "fields" in kept:
        fields = from_json(take(kept, "fields", str))
        if not isinstance(fields, dict):
            message = f"what is to be written to {path} is no document"
            raise FieldError(message)
        return Put(path, fields, precondition, take_or_none(kept, "stamped", str))
    if "check" in kept:
        if precondition is None:
            message = f"nothing is said to hold for {path}"
            raise FieldError(message)
        return Check(path, precondition)
    return Delete(path, precondition)
