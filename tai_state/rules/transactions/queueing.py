"""Queueing: the reserved names of the locks behind which transactions queue."""

import zlib
from collections.abc import Collection

from tai_state.documents import DocumentPath
from tai_state.layout import check_id
from tai_state.rules.locking.owners import RESERVED

_QUEUES = 256
_QUEUES_MAX = 8


def queue_resources(states: Collection[DocumentPath]) -> list[str]:
    """Return the locks behind which a run queues that met conflicts at *states*.

    A bounded number of them for the whole store, since a lock's document is never deleted: two states may share one.
    Of many states some are enough to meet whoever else writes them.
    """
    numbers = sorted({zlib.crc32(str(path).encode()) % _QUEUES for path in states})
    return [f"{RESERVED}queue:{number}" for number in numbers[:_QUEUES_MAX]]


def serialize_resource(name: str) -> str:
    """Return the lock behind which the runs under one ``serialize=`` name go."""
    return f"{RESERVED}serialize:{check_id(name, 'serialize')}"
