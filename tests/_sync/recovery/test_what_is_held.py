# Generated from tests/_async/recovery/test_what_is_held.py by .ci/generate_sync.py; do not edit.
"""What a check holds at a time: a state's own findings with what should be there, and of the others what is told."""
import gc

from tai_state import StateMachinePersister, verify
from tai_state.layout import state_layout
from tai_state.rules.recovery.findings import Finding
from tests._sync.machines import COUNTER
from tests._sync.stores import plant

STATES = 8
FINDINGS_OF_ONE_STATE_MAX = 3
"""The finding of its two walks, and of what both found."""


def findings():
    """Return how many findings are held in this process."""
    gc.collect()
    return sum(type(one) is Finding for one in gc.get_objects())


def test_a_check_holds_the_findings_of_one_state_at_a_time(store):
    """Each may hold what should be there, which is as large as a state."""
    persister = StateMachinePersister(store, COUNTER)
    for number in range(STATES):
        persister.start("g", f"s{number}", {"n": 0})
        plant(store, state_layout("g", f"s{number}").state, data=5)
    before = findings()
    held = []

    def watch(_, __):
        held.append(findings() - before)

    (report,) = [report for report in verify(store, "g", progress=watch)]
    assert [one.kind for one in report.problems] == ["corrupt_state"] * STATES
    assert len(held) == STATES
    assert max(held) <= FINDINGS_OF_ONE_STATE_MAX
