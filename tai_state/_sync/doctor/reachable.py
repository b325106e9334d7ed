# Generated from tai_state/_async/doctor/reachable.py by .ci/generate_sync.py; do not edit.
"""Whether the store answers, and how soon."""
from collections.abc import Iterator

from tai_state._sync.doctor.visit import Visit
from tai_state.layout import META
from tai_state.models import Checkup
from tai_state.rules.doctor import verdicts


def reachable(visit: Visit) -> Iterator[Checkup]:
    """Read one document twice: the first time connections are made, files are opened."""
    access = visit.access
    access.read([META], access.begin(visit.timeout))
    began = access.clock.monotonic()
    access.read([META], access.begin(visit.timeout))
    backend = access.backend.name or type(access.backend).__name__
    yield verdicts.reachable(backend, access.clock.monotonic() - began)
