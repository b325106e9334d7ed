# Generated from tai_state/_async/doctor/engine.py by .ci/generate_sync.py; do not edit.
"""What only the engine can tell of itself."""
from collections.abc import Iterator

from tai_state._sync.doctor.visit import Visit
from tai_state.models import Checkup


def engine(visit: Visit) -> Iterator[Checkup]:
    """Ask it."""
    access = visit.access
    for line in access.backend.examine(timeout=access.attempt_seconds(access.begin(visit.timeout))):
        yield line
