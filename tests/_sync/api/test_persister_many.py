# Generated from tests/_async/api/test_persister_many.py by .ci/generate_sync.py; do not edit.
"""Several moves in one call: each stands or fails alone, whatever fails it."""
from tai_state import StateMachinePersister, Machine, MachineError, Transition, TransitionRequest


def test_a_guard_that_raises_fails_its_own_move_alone(store):
    """The moves before it stay told, and those behind it are made; what it raised is the cause."""
    machine = Machine("fussy", "on", [Transition("tick", "on", "on", guard=lambda data, payload: 1 / payload > 0)])
    persister = StateMachinePersister(store, machine)
    persister.start("g", "s")
    outcomes = persister.transition_many(TransitionRequest("g", "s", "tick", payload) for payload in (1, 0, 2))
    assert [getattr(outcome, "version", None) for outcome in outcomes] == [2, None, 3]
    assert isinstance(outcomes[1], MachineError)
    assert isinstance(outcomes[1].__cause__, ZeroDivisionError)
