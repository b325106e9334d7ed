# Generated from tests/_async/recovery/test_what_is_held.py by .ci/generate_sync.py; do not edit.
"""What is held at a time: a state's own findings with what should be there, and of the others what is told."""
import gc

import pytest

from tai_state import StateMachinePersister, recover, verify
from tai_state.documents import Delete
from tai_state.layout import state_layout
from tai_state.rules.records.record import StateRecord
from tai_state.rules.recovery.findings import Finding
from tests._sync.machines import COUNTER
from tests._sync.recovery.damages import write
from tests._sync.stores import plant

STATES = 8
FINDINGS_OF_ONE_STATE_MAX = 3
"""The finding of its two walks, and of what both found."""


@pytest.fixture
def new_objects():
    """Set aside what the process holds, so that only what comes is counted; the suite's own heap takes long to walk."""
    gc.freeze()
    yield
    gc.unfreeze()


def held_of(kind):
    """Return how many new objects of *kind* are held in this process."""
    gc.collect()
    return sum(type(one) is kind for one in gc.get_objects())


def test_a_check_holds_the_findings_of_one_state_at_a_time(store, request):
    """Each may hold what should be there, which is as large as a state."""
    persister = StateMachinePersister(store, COUNTER)
    for number in range(STATES):
        persister.start("g", f"s{number}", {"n": 0})
        plant(store, state_layout("g", f"s{number}").state, data=5)
    request.getfixturevalue("new_objects")
    held = []

    def watch(_, __):
        held.append(held_of(Finding))

    (report,) = [report for report in verify(store, "g", progress=watch)]
    assert [one.kind for one in report.problems] == ["corrupt_state"] * STATES
    assert len(held) == STATES
    assert max(held) <= FINDINGS_OF_ONE_STATE_MAX


def test_a_recovery_holds_what_should_be_there_of_one_state_at_a_time(store, request):
    """Of what it leaves, too: here receipts tell of a later change than the log has."""
    persister = StateMachinePersister(store, COUNTER)
    for number in range(STATES):
        paths = state_layout("g", f"s{number}")
        persister.start("g", paths.state_id, {"n": 0})
        persister.transition("g", paths.state_id, "add", 1, idempotency_key="k")
        write(store, Delete(paths.state), Delete(paths.event(2)))
    request.getfixturevalue("new_objects")
    held = []

    def watch(_, __):
        held.append(held_of(StateRecord))

    (report,) = [report for report in recover(store, "g", progress=watch)]
    assert [one.kind for one in report.unresolved] == ["state_missing"] * STATES
    assert len(held) >= STATES
    assert max(held) <= FINDINGS_OF_ONE_STATE_MAX
