"""Receipts of changes that were never made, as far as the log shows."""

from dataclasses import dataclass

from tai_state.documents import Document, DocumentPath
from tai_state.errors import CorruptLogError, ReplayError
from tai_state.layout import GovernorLayout
from tai_state.rules.records.chain import event_hash, seal_is_sound
from tai_state.rules.records.documents import read_event
from tai_state.rules.records.fields import FieldError, check_format, take, take_version
from tai_state.rules.recovery.findings import Finding


@dataclass(frozen=True, slots=True)
class NamedReceipt:
    """A receipt, and the event that it names."""

    path: DocumentPath
    state_id: str
    version: int
    transition_id: str
    event: DocumentPath


def named_receipt(document: Document, governor: GovernorLayout) -> NamedReceipt:
    """Return what a receipt's document names.

    Raises:
        CorruptLogError: It cannot be read.
        SchemaVersionError: A newer release wrote it.
        InvalidIdError: It names no state that there can be.
    """
    fields = document.fields
    try:
        check_format(fields, document.path)
        state_id, version = take(fields, "state_id", str), take_version(fields)
        transition_id = take(fields, "transition_id", str)
        take(fields, "fingerprint", str)
        take(fields, "ttl_seconds", float)
    except FieldError as error:
        reason = f"receipt {document.path} is damaged: {error}"
        raise CorruptLogError(governor.governor_id, "", None, reason) from error
    event = governor.state(state_id).event(version)
    return NamedReceipt(document.path, state_id, version, transition_id, event)


def _is_sound(document: Document, one: NamedReceipt) -> bool:
    governor_id = document.fields.get("governor_id")
    try:
        event = read_event(document, str(governor_id), one.state_id)
    except ReplayError:
        return False
    return event.version == one.version and event_hash(event) == event.hash and seal_is_sound(event)


def orphan_finding(one: NamedReceipt, state: Document | None, event: Document | None) -> Finding | None:
    """Return the finding of a receipt whose change was never made; None where it was, or nobody can tell.

    A receipt whose event is missing below the state's version may be all that is left of that change: it stays.
    """
    if event is not None:
        # A damaged event is a finding of its own, and the receipt may be right.
        if event.fields.get("transition_id") == one.transition_id or not _is_sound(event, one):
            return None
        message = f"version {one.version} of state {one.state_id!r} was made by another change"
    else:
        reached = 0 if state is None else state.fields.get("version")
        if type(reached) is not int or one.version <= reached:
            return None
        message = f"state {one.state_id!r} never had a version {one.version}"
    return Finding("orphaned_receipt", one.state_id, one.version, message, one.path)
