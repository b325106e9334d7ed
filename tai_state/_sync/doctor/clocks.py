# Generated from tai_state/_async/doctor/clocks.py by .ci/generate_sync.py; do not edit.
"""How far this host's clock is from the store's."""
from collections.abc import Iterator

from tai_state._sync.doctor.visit import Visit
from tai_state.models import Checkup
from tai_state.rules.doctor import verdicts


def clocks(visit: Visit) -> Iterator[Checkup]:
    """Ask the store for its time between two looks at ours."""
    access = visit.access
    before = access.clock.now()
    told = access.server_time(access.begin(visit.timeout))
    yield verdicts.clock(before, told, access.clock.now())
