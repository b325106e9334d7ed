# Generated from tai_state/_async/recovery/removal.py by .ci/generate_sync.py; do not edit.
"""Removals: documents that nobody misses, a bounded number in one commit, counted when they are gone.

Each is removed as it was read: one that was written since stays. So two that remove at once each count their own, and a
commit whose reply was lost is sent again as it is.
"""
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tai_state._sync.access.access import Access
from tai_state._sync.commits.protocol import Settlement, Settled, commit_once
from tai_state._platform.interrupts import shield
from tai_state.clock import Span
from tai_state.documents import CommitResult, Delete, Document, DocumentPath, UpdatedAt, Write
from tai_state.errors import OutcomeUnknownError, PreconditionFailedError
from tai_state.rules.commits.settle import Outcome
from tai_state.rules.recovery.retention import size_of

BATCH = 200
"""Documents removed in one commit."""


@dataclass(slots=True)
class Removed:
    """How many documents of a kind are gone, or would be, and about how many bytes they took."""

    documents: int = 0
    bytes: int = 0

    def add(self, *documents: Document) -> None:
        """Count them."""
        self.documents += len(documents)
        self.bytes += sum(size_of(document) for document in documents)


def committed(access: Access, writes: Sequence[Write], witness: DocumentPath, timeout: Span) -> bool:
    """Whether *writes*, which remove the document at *witness* among others, were committed, by us.

    Returns:
        False where something in them is no more as it was read: nothing was written.
    """
    deadline = access.begin(timeout)

    def read(refused: bool) -> Settled:  # noqa: FBT001 - the protocol's one question
        found = access.read([witness], deadline)
        if found.get(witness) is None:
            return Settled(Outcome.APPLIED, CommitResult(found.read_time, {}))
        return Settled(Outcome.REFUSED if refused else Outcome.UNKNOWN)

    def unknown() -> OutcomeUnknownError:
        return OutcomeUnknownError("", "", "", 0, retryable=True)

    try:
        shield(commit_once, access, writes, deadline, Settlement(read, unknown))
    except PreconditionFailedError:
        return False
    return True


def remove(
    access: Access, found: Iterator[Document], removed: Removed, timeout: Span, *, is_dry_run: bool
) -> None:
    """Remove documents as they are found, and count those that are gone by us."""
    batch: list[Document] = []
    for document in found:
        batch.append(document)
        if len(batch) == BATCH:
            _remove_batch(access, batch, removed, timeout, is_dry_run=is_dry_run)
            batch = []
    _remove_batch(access, batch, removed, timeout, is_dry_run=is_dry_run)


def _remove_batch(
    access: Access, batch: Sequence[Document], removed: Removed, timeout: Span, *, is_dry_run: bool
) -> None:
    if not batch:
        return
    writes = [Delete(document.path, UpdatedAt(document.update_time)) for document in batch]
    if is_dry_run or committed(access, writes, batch[0].path, timeout):
        removed.add(*batch)
    elif len(batch) > 1:
        # One of them was written or removed since; the others go by themselves.
        for document in batch:
            _remove_batch(access, [document], removed, timeout, is_dry_run=is_dry_run)
