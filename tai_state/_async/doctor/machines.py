"""Whether each version of a machine has one definition."""

from collections.abc import AsyncIterator

from tai_state._async.api.definitions import async_check_machines
from tai_state._async.doctor.visit import AsyncVisit
from tai_state.models import Checkup
from tai_state.rules.doctor import sample


async def async_machines(visit: AsyncVisit) -> AsyncIterator[Checkup]:
    """Hold the machines that were given against every state; without any, look at the sample alone."""
    if not visit.machines:
        yield sample.machines(await visit.sample())
        return
    problems = await async_check_machines(visit.store, machines=visit.machines, timeout=visit.timeout)
    for problem in problems:
        yield sample.redefined(problem.message, 1)
    if not problems:
        names = ", ".join(sorted(f"{one.name}@{one.version}" for one in visit.machines))
        yield Checkup(check="machines", status="ok", message=f"{names}: no state was moved by another definition")
