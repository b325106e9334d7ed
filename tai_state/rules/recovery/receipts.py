"""Receipts held against the events that they name: under which key, of which version, by which change."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from tai_state.documents import Document, DocumentPath
from tai_state.errors import CorruptLogError, ReplayError
from tai_state.layout import GovernorLayout
from tai_state.rules.commits.receipts import live_receipt
from tai_state.rules.records.documents import read_event
from tai_state.rules.records.fields import FieldError, check_format, take, take_time, take_version
from tai_state.rules.records.record import EventRecord
from tai_state.rules.recovery.findings import Finding, Made
from tai_state.rules.recovery.mending import own_flaw


@dataclass(frozen=True, slots=True)
class NamedReceipt:
    """A receipt, its key, the event that it names, and when it was written."""

    path: DocumentPath
    state_id: str
    key: str
    version: int
    transition_id: str
    event: DocumentPath
    written: datetime


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
        take_time(fields, "tai_expires_at")
    except FieldError as error:
        reason = f"receipt {document.path} is damaged: {error}"
        raise CorruptLogError(governor.governor_id, "", None, reason) from error
    # Until when it counts can be told, too.
    live_receipt(document, document.update_time, governor.governor_id, state_id)
    paths = governor.state(state_id)
    if paths.receipt(key) != document.path:
        reason = f"receipt {document.path} is that of another state or key"
        raise CorruptLogError(governor.governor_id, state_id, version, reason)
    return NamedReceipt(
        document.path, state_id, key, version, transition_id, paths.event(version), document.update_time
    )


def says_what_it_should(one: NamedReceipt, event: Document | None) -> bool:
    """Whether a receipt names the change of its key, as far as one look tells."""
    if event is None:
        return False
    return (event.fields.get("transition_id"), event.fields.get("idempotency_key")) == (one.transition_id, one.key)


class ReceiptSearch:
    """Looks through a state's log for the changes that receipts are about, where they name others or none."""

    def __init__(self, receipts: Iterable[NamedReceipt], governor_id: str, state_id: str, after: int = 0) -> None:
        """Begin before the first event that is left, behind *after*, with *receipts* of the state."""
        self.ids = (governor_id, state_id)
        self._keys = {one.key for one in receipts}
        self._made: dict[str, Made] = {}
        self._after = after
        self._expected = after + 1
        self._is_whole = True

    def meet(self, document: Document) -> None:
        """Take the next event of the log."""
        try:
            event = read_event(document, *self.ids)
        except ReplayError:
            self._is_whole = False
            return
        self.take(event)

    def take(self, event: EventRecord) -> None:
        """Take the next event, as it was read."""
        if event.version <= self._after:
            # What was trimmed, and is about to be removed.
            return
        is_sound = own_flaw(event) is None
        if event.version != self._expected or not is_sound:
            self._is_whole = False
        self._expected += 1
        if event.idempotency_key in self._keys and is_sound:
            self._made[event.idempotency_key] = Made(event.version, event.transition_id)

    def finding(self, one: NamedReceipt, reached: int | None) -> Finding | None:
        """Return what is wrong with a receipt, once the whole log was met; None: nothing that anybody can tell.

        Args:
            reached: The version that the state's document says; None: there is none that can be read.
        """
        made = self._made.get(one.key)
        # Where an event is missing or damaged, or the log may have lost its end with its state, the receipt may be all
        # that is left of that change: it stays.
        is_open = (
            not self._is_whole
            or (reached is not None and self._expected <= reached)
            or (reached is None and 1 < self._expected <= one.version)
        )
        if made is not None:
            if made == (one.version, one.transition_id):
                return None
            # A key is used again once its time is over: what it made before is not the change that is lost.
            if is_open and made.version < one.version and made.transition_id != one.transition_id:
                return None
            message = f"it names version {one.version}, and its key made version {made.version}"
            return Finding(
                "corrupt_receipt", one.state_id, one.version, message, one.path, truth=made, seen=one.written
            )
        if is_open:
            return None
        message = f"no change of state {one.state_id!r} was made under its key"
        return Finding("orphaned_receipt", one.state_id, one.version, message, one.path, seen=one.written)
