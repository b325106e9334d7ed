"""What a file would bring back of states that were erased where it goes: receipts, records, copies, results."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime

from tai_state.documents import Document, DocumentPath, Value
from tai_state.errors import InvalidIdError
from tai_state.layout import TRANSACTIONS, StateLayout, state_layout, state_of, unescape
from tai_state.rules.recovery.carried import Fields
from tai_state.rules.recovery.erasure import Erasure, is_about, is_receipt_of, without_content, without_result

Erased = Mapping[DocumentPath, Erasure]
"""Erasures by where they are."""

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def states_named(path: DocumentPath, fields: Mapping[str, Value]) -> list[StateLayout]:
    """Return the states of which a document may tell, beside their own documents."""
    if path.collection == TRANSACTIONS:
        written = fields.get("documents")
        names = [state_of(one) for one in written if isinstance(one, str)] if isinstance(written, list) else []
        return [state_layout(*one) for one in names if all(one)]
    governor_id, _ = state_of(str(path))
    if not governor_id or path.collection.rpartition("/")[2] not in {"receipts", "audit", "quarantine"}:
        return []
    ids: set[str] = set()
    if isinstance(about := fields.get("path"), str):
        ids.add(state_of(about)[1])
    if isinstance(named := fields.get("state_id"), str):
        ids.add(named)
        with suppress(InvalidIdError):
            ids.add(unescape(named))
    states: list[StateLayout] = []
    for one in sorted(ids - {""}):
        # What cannot be an id is that of no state, and so nothing was erased under it.
        with suppress(InvalidIdError):
            states.append(state_layout(governor_id, one))
    return states


def without_erased(path: DocumentPath, fields: Fields, erased: Erased) -> Fields | None:
    """Return the fields of a document without what was erased; None: nothing of it is to come back."""
    kind = path.collection.rpartition("/")[2]
    for paths in states_named(path, fields):
        erasure = erased.get(paths.erasure)
        if erasure is None:
            continue
        document = Document(path, fields, _LONG_AGO, _LONG_AGO)
        if kind == "receipts" and is_receipt_of(fields, paths, erasure.through):
            return None
        if kind == "quarantine" and is_about(fields, paths):
            return None
        put = None
        if kind == "transactions":
            put = without_result(document, paths)
        elif kind == "audit" and is_about(fields, paths):
            put = without_content(document)
        fields = fields if put is None else dict(put.fields)
    return fields
