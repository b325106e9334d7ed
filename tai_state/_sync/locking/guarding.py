# Generated from tai_state/_async/locking/guarding.py by .ci/generate_sync.py; do not edit.
"""What a caller gives as ``lock=``, as the guard of his commit."""
from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tai_state._sync.access.access import Access
    from tai_state._sync.commits.guard import Guarding
    from tai_state._sync.locking.lock import Lock
    from tai_state._sync.locking.lock_set import LockSet


def guarding(access: Access, lock: Lock | LockSet | None) -> Guarding | None:
    """Return how a commit through *access* is guarded by what a caller gave as ``lock=``; None where it is not.

    Raises:
        ConfigurationError: It is no lock, or one of the other colour.
    """
    if lock is None:
        return None
    from tai_state._sync.locking.fence import fence_of  # noqa: PLC0415 - most programs take no locks

    return fence_of(access, lock)
