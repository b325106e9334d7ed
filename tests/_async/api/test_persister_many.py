"""Several moves in one call: each stands or fails alone, whatever fails it."""

from tai_state import AsyncStateMachinePersister, Machine, MachineError, Transition, TransitionRequest


async def test_a_guard_that_raises_fails_its_own_move_alone(store):
    """The moves before it stay told, and those behind it are made; what it raised is the cause."""
    machine = Machine("fussy", "on", [Transition("tick", "on", "on", guard=lambda data, payload: 1 / payload > 0)])
    persister = AsyncStateMachinePersister(store, machine)
    await persister.start("g", "s")
    outcomes = await persister.transition_many(TransitionRequest("g", "s", "tick", payload) for payload in (1, 0, 2))
    assert [getattr(outcome, "version", None) for outcome in outcomes] == [2, None, 3]
    assert isinstance(outcomes[1], MachineError)
    assert isinstance(outcomes[1].__cause__, ZeroDivisionError)
