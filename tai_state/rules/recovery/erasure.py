"""Erasures: what a state was is gone everywhere, and that it was is still provable.

1. The intent and a tombstone are one commit: from then on nobody reads the state, and whoever finds the intent goes on.
2. Events keep their digests and lose their values and salt, in their documents, then in their segments. In between, the
   state's document is marked: so no segment that was made of the events as they were is committed behind that.
3. Snapshots, receipts and copies in quarantine go; records in audit, and results of transactions, lose what they show.
4. The engine scrubs; then the record says that it is finished, beside one in audit of who and why.

Values in events of the first layout of the hash cannot go without the events: those are trimmed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tai_state.config import Encoding
from tai_state.documents import Document, DocumentPath, MustNotExist, Precondition, Put, UpdatedAt, Value
from tai_state.errors import CorruptLogError
from tai_state.layout import FORMAT, StateLayout
from tai_state.rules.history.segments import Segment
from tai_state.rules.records.branches import Held, branch_fields
from tai_state.rules.records.documents import event_fields
from tai_state.rules.records.erased import erased, is_from_before
from tai_state.rules.records.fields import FieldError, check_format, take, take_counters, take_time
from tai_state.rules.records.record import EventRecord
from tai_state.rules.recovery.retention import resealed

GOVERNOR = "@governor"
"""The id of the intent to erase a whole governor: no stored id has an "@"."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """The record of an erasure, or the intent of one that is not finished.

    Attributes:
        through: The last version whose values go; 0 for a whole governor.
        audit_id: Under which it is told in ``audit`` once it is finished.
        clock: What the tombstone knows: what other stores have made of the state, and does not know of it, is erased,
            too. None: the event behind ``through`` tells.
    """

    state_id: str
    through: int
    changed_by: str
    reason: str
    timestamp: datetime
    audit_id: str
    is_finished: bool = False
    clock: Mapping[str, int] | None = None

    def put(self, path: DocumentPath, found: Document | None) -> Put:
        """Return the write of the record, where it is as it was found."""
        precondition: Precondition = MustNotExist() if found is None else UpdatedAt(found.update_time)
        fields = {**self._fields(), "audit_id": self.audit_id, "is_finished": self.is_finished}
        if self.clock is not None:
            fields["clock"] = dict(self.clock)
        return Put(path, fields, precondition)

    def audit_put(self, collection: str, path: DocumentPath) -> Put:
        """Return the record of it among the repairs: who, when and why, and nothing of what was there."""
        message = f"erased up to version {self.through}" if self.through else "the governor is erased"
        told = {"kind": "erasure", "path": str(path), "message": message, "version": self.through or None}
        fields = {**self._fields(), **told, "before": None, "after": None}
        del fields["through"]
        return Put(DocumentPath(collection, self.audit_id), fields, MustNotExist())

    def _fields(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "state_id": self.state_id,
            "through": self.through,
            "changed_by": self.changed_by,
            "reason": self.reason,
            "timestamp": self.timestamp,
        }


def read_erasure(document: Document, governor_id: str) -> Erasure:
    """Return the erasure in a document.

    Raises:
        CorruptLogError: It is damaged.
        SchemaVersionError: A newer release wrote it.
    """
    fields = document.fields
    try:
        check_format(fields, document.path)
        return Erasure(
            state_id=take(fields, "state_id", str),
            through=take(fields, "through", int),
            changed_by=take(fields, "changed_by", str),
            reason=take(fields, "reason", str),
            timestamp=take_time(fields, "timestamp"),
            audit_id=take(fields, "audit_id", str),
            is_finished=take(fields, "is_finished", bool),
            clock=take_counters(fields, "clock") if "clock" in fields else None,
        )
    except FieldError as error:
        reason = f"the erasure {document.path} is damaged: {error}"
        raise CorruptLogError(governor_id, document.path.id, None, reason) from error


def erased_event(document: Document, event: EventRecord, encoding: Encoding) -> Put | None:
    """Return the write of an event without its values; None where they are gone, or cannot go by themselves."""
    # By what it says: one that has lost its salt alone was damaged, and not erased.
    if event.seal is None or erased(event) == event:
        return None
    fields = event_fields(erased(event), encoding)
    if "committed_at" in document.fields:
        fields["committed_at"] = document.fields["committed_at"]
    return Put(document.path, fields, UpdatedAt(document.update_time))


def erased_branch(document: Document, held: Held, clock: Mapping[str, int] | None, encoding: Encoding) -> Put | None:
    """Return the write of another store's event without its values; None where they are gone, or came after an erasure.

    Args:
        clock: What the tombstone knows; None: nobody can tell, and all of it goes.
    """
    event = held.event
    is_later = clock is not None and not is_from_before(event, clock)
    if is_later or event.seal is None or erased(event) == event:
        return None
    fields = branch_fields(held._replace(event=erased(event)), encoding)
    return Put(document.path, fields, UpdatedAt(document.update_time))


def erased_segment(paths: StateLayout, document: Document, segment: Segment, through: int) -> list[Put]:
    """Return the writes of a segment without the values of its events up to a version; none where they are gone."""
    events = [erased(one) if one.version <= through and one.seal is not None else one for one in segment.events]
    if events == list(segment.events):
        return []
    first, *others = resealed(paths, events, segment)
    return [Put(first.path, first.fields, UpdatedAt(document.update_time)), *others]


def is_receipt_of(fields: Mapping[str, Value], paths: StateLayout, through: int) -> bool:
    """Whether a receipt is of a change of a state up to a version, as far as it says."""
    version = fields.get("version")
    return fields.get("state_id") == paths.state_id and (type(version) is not int or version <= through)


def is_about(fields: Mapping[str, Value], paths: StateLayout) -> bool:
    """Whether a record in audit, or a copy in quarantine, is about a state."""
    if fields.get("state_id") in {paths.state_id, paths.stored_id}:
        return True
    path = fields.get("path")
    collection, _, stored = path.rpartition("/") if isinstance(path, str) else ("", "", "")
    return collection.startswith(f"{paths.governor.states.rpartition('/')[0]}/") and (
        stored == paths.stored_id or stored.startswith(f"{paths.stored_id}@")
    )


def without_content(document: Document) -> Put | None:
    """Return the write of a record in audit without what it shows; None where that is gone."""
    if document.fields.get("before") is None and document.fields.get("after") is None:
        return None
    return Put(document.path, {**document.fields, "before": None, "after": None}, UpdatedAt(document.update_time))


def without_result(document: Document, paths: StateLayout) -> Put | None:
    """Return the write of a transaction's record without its result, where it wrote the state; None: nothing to do."""
    written = document.fields.get("documents")
    if not isinstance(written, list) or str(paths.state) not in written or document.fields.get("result") is None:
        return None
    return Put(document.path, {**document.fields, "result": None}, UpdatedAt(document.update_time))
