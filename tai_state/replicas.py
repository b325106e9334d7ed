"""Replicas: states that are written in more than one store, and brought together.

``sync(a, b, governor_id, resolver=...)`` brings two stores, an SQLite file and Firestore say, to know and to say the
same of a governor's states; ``SyncReport`` tells what it did. Resolvers are in ``tai_state.causality``.
``ReplicaStore(local, remote)`` reads states of both, as new as ``ReadLevel.strong``, ``ReadLevel.bounded(max_lag)`` or
``ReadLevel.eventual`` says: ``ReplicaRead`` tells how new they are.
"""

from typing import TYPE_CHECKING

from tai_state.late import late_names

if TYPE_CHECKING:
    from tai_state._async.replicas.reading import AsyncReplicaStore
    from tai_state._async.replicas.syncing import async_sync
    from tai_state._sync.replicas.reading import ReplicaStore
    from tai_state._sync.replicas.syncing import sync
    from tai_state.models.replicas import ReadLevel, ReplicaRead, Staleness, SyncReport

HOMES: dict[str, tuple[str, ...]] = {
    "tai_state._async.replicas.reading": ("AsyncReplicaStore",),
    "tai_state._async.replicas.syncing": ("async_sync",),
    "tai_state._sync.replicas.reading": ("ReplicaStore",),
    "tai_state._sync.replicas.syncing": ("sync",),
    "tai_state.models.replicas": ("ReadLevel", "ReplicaRead", "Staleness", "SyncReport"),
}
"""The names that each module defines: who works with one colour waits for no other."""

__all__ = [
    "AsyncReplicaStore",
    "ReadLevel",
    "ReplicaRead",
    "ReplicaStore",
    "Staleness",
    "SyncReport",
    "async_sync",
    "sync",
]

if not TYPE_CHECKING:  # A type checker would take it for a promise of any name.
    __getattr__ = late_names(__name__, HOMES)

    def __dir__() -> list[str]:
        """List what has not been imported yet, too."""
        return sorted({*globals(), *__all__})
