"""What only the engine can tell of itself."""

from collections.abc import AsyncIterator

from tai_state._async.doctor.visit import AsyncVisit
from tai_state.models import Checkup


async def async_engine(visit: AsyncVisit) -> AsyncIterator[Checkup]:
    """Ask it."""
    access = visit.access
    for line in await access.backend.examine(timeout=access.attempt_seconds(access.begin(visit.timeout))):
        yield line
