"""Receipts held against the events that they name: under which key, of which version, by which change."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tai_state.documents import Document, DocumentPath
from tai_state.errors import CorruptLogError, ReplayError
from tai_state.layout import GovernorLayout
from tai_state.rules.records.documents import read_event
from tai_state.rules.records.fields import FieldError, check_format, take, take_time, take_version
from tai_state.rules.recovery.findings import Finding
from tai_state.rules.recovery.mending import own_flaw

if TYPE_CHECKING:
    from tai_state.rules.records.record import EventRecord


@dataclass(frozen=True, slots=True)
class NamedReceipt:
    """A receipt, its key, and the event that it names."""

    path: DocumentPath
    state_id: str
    key: str
    version: int
    transition_id: str
    event: DocumentPath


def named_receipt(document: Document, governor: GovernorLayout) -> NamedReceipt:
    """Return what a receipt's document names.

    Raises:
        CorruptLogError: It cannot be read, or stands in the place of another key's.
        SchemaVersionError: A newer release wrote it.
        InvalidIdError: It names no state that there can be.
    """
    fields = document.fields
    try:
        check_format(fields, document.path)
        state_id, key = take(fields, "state_id", str), take(fields, "idempotency_key", str)
        version, transition_id = take_version(fields), take(fields, "transition_id", str)
        take(fields, "fingerprint", str)
        take(fields, "ttl_seconds", float)
        take_time(fields, "tai_expires_at")
    except FieldError as error:
        reason = f"receipt {document.path} is damaged: {error}"
        raise CorruptLogError(governor.governor_id, "", None, reason) from error
    paths = governor.state(state_id)
    if paths.receipt(key) != document.path:
        reason = f"receipt {document.path} is that of another state or key"
        raise CorruptLogError(governor.governor_id, state_id, version, reason)
    return NamedReceipt(document.path, state_id, key, version, transition_id, paths.event(version))


def says_what_it_should(one: NamedReceipt, event: Document | None) -> bool:
    """Whether a receipt names the change of its key, as far as one look tells."""
    if event is None:
        return False
    return (event.fields.get("transition_id"), event.fields.get("idempotency_key")) == (one.transition_id, one.key)


class ReceiptSearch:
    """Looks through a state's log for the change that a receipt is about, where it names another or none."""

    def __init__(self, one: NamedReceipt, governor: GovernorLayout) -> None:
        """Begin before the first event."""
        self._one = one
        self._ids = (governor.governor_id, one.state_id)
        self._made: EventRecord | None = None
        self._expected = 1
        self._is_whole = True

    def meet(self, document: Document) -> None:
        """Take the next event of the log."""
        try:
            event = read_event(document, *self._ids)
        except ReplayError:
            self._is_whole = False
            return
        if event.version != self._expected or own_flaw(event) is not None:
            self._is_whole = False
        self._expected += 1
        if event.idempotency_key == self._one.key and own_flaw(event) is None:
            self._made = event

    def finding(self, reached: int | None) -> Finding | None:
        """Return what is wrong, once the whole log was met; None: nothing that anybody can tell.

        Args:
            reached: The version that the state's document says; None: there is none that can be read.
        """
        one, made = self._one, self._made
        # Where an event is missing or damaged, or the log may have lost its end with its state, the receipt may be all
        # that is left of that change: it stays.
        is_open = (
            not self._is_whole
            or (reached is not None and self._expected <= reached)
            or (reached is None and 1 < self._expected <= one.version)
        )
        if made is not None:
            if (made.version, made.transition_id) == (one.version, one.transition_id):
                return None
            # A key is used again once its time is over: what it made before is not the change that is lost.
            if is_open and made.version < one.version and made.transition_id != one.transition_id:
                return None
            message = f"it names version {one.version}, and its key made version {made.version}"
            return Finding("corrupt_receipt", one.state_id, one.version, message, one.path, truth=made)
        if is_open:
            return None
        message = f"no change of state {one.state_id!r} was made under its key"
        return Finding("orphaned_receipt", one.state_id, one.version, message, one.path)
