"""When a saga is due again behind a move: at once, or after a wait, for which what was turned back does not stay."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tai_state.codec import Payload
from tai_state.rules.due.arming import NOTHING_DUE, Wanted
from tai_state.rules.sagas.changes import saga_change, step_move
from tai_state.rules.sagas.machine import RESUME, machine_of
from tai_state.rules.sagas.progress import first_data
from tests.unit.commits.made import call, lived

SHAPE = (("a", True), ("b", True))
MACHINE = machine_of("s", SHAPE)
WAIT = timedelta(seconds=7)
ATTEMPT = {"claim": "c", "lease_seconds": 1.0, "at": "2026-01-01T00:00:00+00:00"}
FAILURE = {"error": "no", "unknown": False}
WAITS = Wanted(RESUME, MACHINE.name, after=WAIT)
AT_ONCE = Wanted(RESUME, MACHINE.name, at=datetime(1970, 1, 1, tzinfo=UTC))


def moved(state, verb, step, told, after=None):
    """Return what a saga is behind a move, and when it is due."""
    made = saga_change(call(), MACHINE, step_move(verb, step, told, after=after), lambda _: None).target_of(state)
    return replace(state, status=made.status, data=made.data), made.due


def begun(**data):
    """Return a saga whose first step is done, and whose second one is under way; with other *data*."""
    first = lived(1, machine=MACHINE, data=first_data("s", "key", {}, list(SHAPE)))[0].record
    state, _ = moved(first, "begin", "a", ATTEMPT)
    state, _ = moved(state, "finish", "a", {"result": 1})
    state, _ = moved(state, "begin", "b", ATTEMPT)
    return replace(state, data=Payload.of({**state.data.value(), **data}))


def test_an_attempt_that_is_put_off_waits():
    """Whether it is an action, or a compensation of a saga that had turned back before."""
    state, due = moved(begun(), "retry", "b", FAILURE, WAIT)
    assert (state.status, due) == ("running", WAITS)
    state, due = moved(state, "fail", "b", FAILURE)
    assert (state.status, due) == ("compensating", AT_ONCE)
    state, due = moved(state, "compensate", "a", ATTEMPT, WAIT)
    assert (state.status, due) == ("compensating", WAITS)
    state, due = moved(state, "recompensate", "a", {"error": "no"}, WAIT)
    assert (state.status, due) == ("compensating", WAITS)


def test_a_saga_that_was_asked_to_turn_back_does_not_wait_for_the_attempt_that_was_put_off():
    """There will be none."""
    state, due = moved(begun(asked="a customer"), "retry", "b", FAILURE, WAIT)
    assert (state.status, due) == ("compensating", AT_ONCE)


def test_a_saga_that_has_ended_is_due_no_more():
    """Though its last attempt was to be put off."""
    state, _ = moved(begun(), "fail", "b", FAILURE)
    state, due = moved(state, "compensated", "a", {}, WAIT)
    assert (state.status, due) == ("compensated", NOTHING_DUE)
    state, due = moved(begun(), "finish", "b", {"result": 2}, WAIT)
    assert (state.status, due) == ("completed", NOTHING_DUE)
