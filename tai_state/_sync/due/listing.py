# Generated from tai_state/_async/due/listing.py by .ci/generate_sync.py; do not edit.
"""What is due under some keys, for people."""
from collections.abc import Sequence
from datetime import UTC, datetime

from tai_state._sync.access.access import Access
from tai_state.clock import TimeLimit
from tai_state.documents import Document
from tai_state.errors import ReplayError
from tai_state.layout import state_of
from tai_state.models.due import DueState
from tai_state.rules.due.looking import look
from tai_state.rules.records.documents import read_state

_FOR_EVER = datetime.max.replace(tzinfo=UTC)


def pending(
    access: Access, keys: Sequence[str], until: datetime | None, limit: int, timeout: TimeLimit
) -> list[DueState]:
    """Return what is due under *keys* before *until*, the first first; at most *limit*, and none that is damaged."""
    found: list[DueState] = []
    for key in keys:
        query = look(key, None, until or _FOR_EVER)
        for document in access.query(query, limit=limit, timeout=timeout):
            shown = _shown(document)
            found += [] if shown is None else [shown]
    return sorted(found, key=lambda one: (one.due_at, one.governor_id, one.state_id))[:limit]


def _shown(document: Document) -> DueState | None:
    governor_id, state_id = state_of(str(document.path))
    try:
        record = read_state(document, governor_id, state_id)
    except ReplayError:
        return None
    due, due_at = record.due, record.due_at
    if due is None or due_at is None:
        return None
    return DueState(
        governor_id=governor_id,
        state_id=state_id,
        status=record.status,
        version=record.version,
        machine=due.machine,
        due_at=due_at,
        due_action=due.action,
        tries=record.marks.due_tries,
    )
