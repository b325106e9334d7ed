"""How far this host's clock is from the store's."""

from collections.abc import AsyncIterator

from tai_state._async.doctor.visit import AsyncVisit
from tai_state.models import Checkup
from tai_state.rules.doctor import verdicts


async def async_clocks(visit: AsyncVisit) -> AsyncIterator[Checkup]:
    """Ask the store for its time between two looks at ours."""
    access = visit.access
    before = access.clock.now()
    told = await access.server_time(access.begin(visit.timeout))
    yield verdicts.clock(before, told, access.clock.now())
