# Generated from tai_state/_async/doctor/states.py by .ci/generate_sync.py; do not edit.
"""What a sample of the states tells: formats and schemas, snapshots and segments."""
from collections.abc import Iterator

from tai_state._sync.doctor.visit import Visit
from tai_state.config import Maintenance
from tai_state.models import Checkup
from tai_state.rules.doctor import sample


def states(visit: Visit) -> Iterator[Checkup]:
    """Look at some states."""
    seen = visit.sample()
    yield sample.formats(seen)
    yield sample.maintenance(seen, visit.store.runtime.settings.maintenance or Maintenance())
