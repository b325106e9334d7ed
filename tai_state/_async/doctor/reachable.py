"""Whether the store answers, and how soon."""

from collections.abc import AsyncIterator

from tai_state._async.doctor.visit import AsyncVisit
from tai_state.layout import META
from tai_state.models import Checkup
from tai_state.rules.doctor import verdicts


async def async_reachable(visit: AsyncVisit) -> AsyncIterator[Checkup]:
    """Read one document twice: the first time connections are made, files are opened."""
    access = visit.access
    await access.read([META], access.begin(visit.timeout))
    began = access.clock.monotonic()
    await access.read([META], access.begin(visit.timeout))
    backend = access.backend.name or type(access.backend).__name__
    yield verdicts.reachable(backend, access.clock.monotonic() - began)
