"""Lost states: what a damaged document still tells beside what its log does."""

from dataclasses import replace

from tai_state.documents import Document
from tai_state.errors import CorruptLogError
from tai_state.rules.records.fields import FieldError
from tai_state.rules.records.parts import dependents_from
from tai_state.rules.records.record import Marks, StateRecord


def check_reaches(rebuilt: StateRecord, document: Document) -> None:
    """Refuse to write over a damaged document that claims to be further than its log.

    Raises:
        CorruptLogError: It does: events may be missing at the end, of which nothing else tells.
    """
    claimed = document.fields.get("version")
    if type(claimed) is int and claimed > rebuilt.version:
        reason = f"state document {document.path} is damaged and at version {claimed}; its events end before that"
        raise CorruptLogError(rebuilt.governor_id, rebuilt.state_id, rebuilt.version + 1, reason)


def salvaged(marks: Marks, document: Document | None) -> Marks:
    """Return the marks that a rebuilt state begins with: *marks*, and the dependents that a damaged document names.

    No event tells of them, and one too many does no harm: whether a state depends on another is said by itself.
    """
    if document is None:
        return marks
    try:
        return replace(marks, dependents=dependents_from(document.fields))
    except FieldError:
        return marks
