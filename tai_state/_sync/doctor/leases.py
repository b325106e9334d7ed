# Generated from tai_state/_async/doctor/leases.py by .ci/generate_sync.py; do not edit.
"""Locks that are held past their time, or by a process that is gone."""
from collections.abc import Iterator

from tai_state._sync.doctor.visit import Visit
from tai_state._platform.processes import is_dead
from tai_state.documents import Capability
from tai_state.errors import ReplayError, StoreError
from tai_state.layout import LOCKS
from tai_state.models import Checkup
from tai_state.rules.doctor import verdicts
from tai_state.rules.doctor.verdicts import Held
from tai_state.rules.locking.leases import Lease, read_lease

LOCKS_MAX = 1_000
"""So many locks are looked at."""


def leases(visit: Visit) -> Iterator[Checkup]:
    """Look at the locks, as of one moment of the store's clock behind the last read of them."""
    documents, is_all = visit.some([LOCKS], LOCKS_MAX)
    now = visit.access.server_time(visit.access.begin(visit.timeout))
    held: list[Held] = []
    damaged = 0
    for document in documents:
        try:
            lease = read_lease(document)
        except (StoreError, ReplayError):
            damaged += 1
            continue
        if lease.holder is not None:
            held.append(Held(lease, not lease.is_held(now), _is_orphaned(visit, lease)))
    yield verdicts.leases(held, damaged, is_all=is_all)


def _is_orphaned(visit: Visit, lease: Lease) -> bool:
    is_seen = Capability.ONE_HOST in visit.access.backend.capabilities
    return is_seen and lease.process is not None and is_dead(lease.process)
