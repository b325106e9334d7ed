"""What a check holds at a time: a state's own findings with what should be there, and of the others what is told."""

import gc

from tai_state import AsyncStateMachinePersister, async_verify
from tai_state.layout import state_layout
from tai_state.rules.recovery.findings import Finding
from tests._async.machines import COUNTER
from tests._async.stores import async_plant

STATES = 8
FINDINGS_OF_ONE_STATE_MAX = 3
"""The finding of its two walks, and of what both found."""


def findings():
    """Return how many findings are held in this process."""
    gc.collect()
    return sum(type(one) is Finding for one in gc.get_objects())


async def test_a_check_holds_the_findings_of_one_state_at_a_time(store):
    """Each may hold what should be there, which is as large as a state."""
    persister = AsyncStateMachinePersister(store, COUNTER)
    for number in range(STATES):
        await persister.start("g", f"s{number}", {"n": 0})
        await async_plant(store, state_layout("g", f"s{number}").state, data=5)
    before = findings()
    held = []

    def watch(_, __):
        held.append(findings() - before)

    (report,) = [report async for report in async_verify(store, "g", progress=watch)]
    assert [one.kind for one in report.problems] == ["corrupt_state"] * STATES
    assert len(held) == STATES
    assert max(held) <= FINDINGS_OF_ONE_STATE_MAX
