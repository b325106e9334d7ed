"""What a sample of the states tells: formats and schemas, snapshots and segments."""

from collections.abc import AsyncIterator

from tai_state._async.doctor.visit import AsyncVisit
from tai_state.config import Maintenance
from tai_state.models import Checkup
from tai_state.rules.doctor import sample


async def async_states(visit: AsyncVisit) -> AsyncIterator[Checkup]:
    """Look at some states."""
    seen = await visit.sample()
    yield sample.formats(seen)
    yield sample.maintenance(seen, visit.store.runtime.settings.maintenance or Maintenance())
