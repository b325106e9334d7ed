# Generated from tai_state/_async/doctor/machines.py by .ci/generate_sync.py; do not edit.
"""Whether each version of a machine has one definition."""
from collections.abc import Iterator

from tai_state._sync.api.definitions import check_machines
from tai_state._sync.doctor.visit import Visit
from tai_state.models import Checkup
from tai_state.rules.doctor import sample


def machines(visit: Visit) -> Iterator[Checkup]:
    """Hold the machines that were given against every state; without any, look at the sample alone."""
    if not visit.machines:
        yield sample.machines(visit.sample())
        return
    problems = check_machines(visit.store, machines=visit.machines, timeout=visit.timeout)
    for problem in problems:
        yield sample.redefined(problem.message, 1)
    if not problems:
        names = ", ".join(sorted(f"{one.name}@{one.version}" for one in visit.machines))
        yield Checkup(check="machines", status="ok", message=f"{names}: no state was moved by another definition")
