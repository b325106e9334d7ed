"""What an export carries, and the form in which a document is carried: the same whichever engine it comes from.

A document is carried by its fields, as the port gives them. Times that only the engine keeps, and that something
follows from, go into a field: when an event was committed, and from when on a receipt or the record of a transaction
counts. Of a lock its counter is carried: whoever holds it holds it there. Where a state is looked for when it is due,
or has changed, is not carried, since the store is named in that: it is written anew where the state is brought to.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from tai_state.config import Encoding
from tai_state.documents import DAMAGED, Document, DocumentPath, Value
from tai_state.errors import InvalidIdError, ReplayError, StoreError
from tai_state.layout import (
    AUDIT,
    DISTRIBUTED,
    GOVERNORS,
    LOCKS,
    PREPARED,
    REPLICAS,
    SUBSCRIPTIONS,
    TRANSACTIONS,
    WAITS,
    branch_place,
    governor_of,
    is_receipt,
    owner_and_version,
    state_of,
    unescape,
)
from tai_state.rules.due.keys import DUE_KEY, key_again
from tai_state.rules.locking.leases import carried, lease_fields, read_lease
from tai_state.rules.records.documents import committed_at, read_state, state_fields
from tai_state.rules.records.feeding import CHANGED_AT, FEED_KEY, feed_key
from tai_state.rules.records.fields import FieldError, written_at
from tai_state.rules.records.formats import FORMATS
from tai_state.rules.recovery.erasure import GOVERNOR

Fields = dict[str, Any]

OF_STATES = ("states", "events", "segments", "snapshots")
"""The collections of a governor whose documents are of one state each."""

OF_GOVERNORS = (*OF_STATES, "branches", "receipts", "audit", "quarantine", "erasures")
"""Every collection of a governor."""

OF_STORES = (LOCKS, TRANSACTIONS, AUDIT)
"""The collections of a store that are of no governor."""

LEFT_OUT = {
    WAITS: "who waits at this moment, and for whom: nobody waits in a copy",
    PREPARED: "what is not settled of transactions over several stores: the states are as they were before",
    DISTRIBUTED: "who takes part in such transactions, and how they were decided: a copy decides nothing",
    REPLICAS: "as of when a store knows what another one has, by its own clock: a copy has another one",
    SUBSCRIPTIONS: "how far who follows a store has come in it: who follows a copy begins there",
    "tai": "the id of a store: a copy that somebody works on is another one; the header of the file names it",
}
"""What an export leaves out, and why."""

_PARTS_OF_GOVERNORS = 3
_PLACES = frozenset({DUE_KEY, FEED_KEY, CHANGED_AT})


class NotCarriedError(ValueError):
    """A document cannot be carried; the message says why."""


def check_path(path: DocumentPath) -> None:
    """Refuse the path of what is none of ours.

    Raises:
        InvalidIdError: It is in no collection of ours, or under an id that we would not store.
    """
    parts = path.collection.split("/")
    kind = parts[-1]
    if len(parts) == _PARTS_OF_GOVERNORS and parts[0] == GOVERNORS and kind in OF_GOVERNORS:
        governor_of(parts[1], path)
    elif path.collection not in OF_STORES:
        message = f"{path} is in no collection that an export carries"
        raise InvalidIdError(message, value=str(path))
    if kind == "receipts":
        if not is_receipt(path.id):
            message = f"{path} is the document of no receipt"
            raise InvalidIdError(message, value=path.id)
    elif kind in OF_STATES and kind != "states":
        stored, _ = owner_and_version(path.id)
        unescape(stored, path)
    elif kind == "branches":
        unescape(branch_place(path.id)[0], path)
    elif (kind, path.id) != ("erasures", GOVERNOR):
        unescape(path.id, path)


def carried_fields(document: Document) -> Fields:
    """Return the fields of a document as they are carried.

    Raises:
        NotCarriedError: It is none of ours, or cannot be read.
    """
    fields = document.fields
    if DAMAGED in fields:
        raise NotCarriedError(str(fields[DAMAGED]))
    try:
        check_path(document.path)
        match document.path.collection.rpartition("/")[2]:
            case "events":
                return {**fields, "committed_at": _of(committed_at, document, document.create_time)}
            case "receipts" | "transactions":
                return {**fields, "committed_at": _of(written_at, document, document.update_time)}
            case "states":
                said = _unmarked(document) if "prepared" in fields else fields
                return {name: value for name, value in said.items() if name not in _PLACES}
            case "locks":
                return lease_fields(carried(read_lease(document)))
    except (InvalidIdError, ReplayError, StoreError) as error:
        raise NotCarriedError(str(error)) from error
    return dict(fields)


def is_only_prepared(document: Document) -> bool:
    """Whether a document holds the place of a state that a transaction over several stores is about to make."""
    return is_state(document.path) and "prepared" in document.fields and document.fields.get("version") == 0


def _unmarked(document: Document) -> Mapping[str, Value]:
    """Return the fields of a state as if no transaction over several stores had it in hand: a copy takes no part."""
    record = read_state(document, *state_of(str(document.path)))
    return state_fields(replace(record, marks=replace(record.marks, prepared=None)), Encoding())


def is_due(path: DocumentPath, fields: Mapping[str, Value]) -> bool:
    """Whether a document is that of a state which is due."""
    return path.collection.endswith("/states") and "due_at" in fields


def is_state(path: DocumentPath) -> bool:
    """Whether a document is that of a state."""
    return path.collection.endswith("/states")


def placed(path: DocumentPath, fields: Mapping[str, Value], store_id: str, feed: int = 0) -> Fields:
    """Return the fields of a state as they are in the store of this id.

    Args:
        feed: By how many keys it feeds; 0: by none.
    """
    found = dict(fields)
    if is_due(path, fields):
        found[DUE_KEY] = key_again(store_id, str(fields.get("due_machine", "")))
    if not feed:
        return found
    key = feed_key(store_id, path, feed)
    if "digest" not in fields:
        return _keyed_anew(path, found, key)
    found[FEED_KEY] = key
    found["format"] = max(int(fields.get("format", 1)), FORMATS[FEED_KEY])
    return found


def _keyed_anew(path: DocumentPath, fields: Fields, key: str) -> Fields:
    """Return a state that an earlier release has written, without a digest, as this one writes it, with its key.

    One that is damaged stays as it is: whoever mends it gives it its key.
    """
    now = datetime(1970, 1, 1, tzinfo=UTC)
    try:
        record = read_state(Document(path, fields, now, now), *state_of(str(path)))
    except ReplayError:
        return fields
    return dict(state_fields(replace(record, marks=replace(record.marks, feed_key=key)), Encoding()))


def _of(moment: Any, document: Document, otherwise: datetime) -> Any:
    try:
        return moment(document)
    except FieldError:
        # Damaged: it is carried as it is, and told behind the import.
        return document.fields.get("committed_at", otherwise)
