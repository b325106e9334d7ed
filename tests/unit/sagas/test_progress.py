"""The laws of sagas, over any outcomes, crashes and demands to turn back: decided by the derived machine alone."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tai_state.errors import TransitionNotAllowedError
from tai_state.rules.sagas import machine as moves
from tai_state.rules.sagas.machine import action_of, machine_of
from tai_state.rules.sagas.progress import (
    COMPENSATE,
    ENDS,
    FAIL,
    GIVE_UP,
    first_data,
    next_of,
    results_of,
    status_of,
    step_of,
)

AT = datetime(2026, 1, 1, tzinfo=UTC)
STEPS_MAX = 5

OUTCOMES = ["finish", "finish", "finish", "retry", "overdue", "fail", "lost", "crash", "ask"]
shapes = st.lists(st.booleans(), min_size=1, max_size=STEPS_MAX).map(
    lambda flags: tuple((f"s{number}", flag) for number, flag in enumerate(flags))
)
scripts = st.lists(st.sampled_from(OUTCOMES), max_size=20)


class Run:
    """A saga that goes through its machine as a runner would lead it, with what becomes of each attempt given."""

    def __init__(self, shape):
        self.machine = machine_of("s", shape)
        self.data = first_data("s", "key", {"n": 1}, list(shape))
        self.status = self.machine.initial
        self.actions = []

    def move(self, action, **payload):
        """Make a move, and hold what every state keeps to."""
        choice = self.machine.choose(self.status, action, lambda: _copy(self.data), lambda: dict(payload))
        self.data, self.status = choice.data, choice.target
        self.actions.append(action)
        assert self.status == status_of(self.data)
        assert (next_of(self.data) is None) == (self.status in ENDS)

    def step(self, verb, name, **told):
        """Make a move of a step."""
        self.move(action_of(verb, name), step=name, **told)

    def attempt(self, outcome):
        """Begin what comes next, and let it end so."""
        following = self.next
        name, verb = following.step, following.verb
        if verb in {FAIL, GIVE_UP}:
            self.step(verb, name, error="died", **({"unknown": True} if verb == FAIL else {}))
            return
        self.step(verb, name, claim="c", lease_seconds=1.0, at=AT)
        if outcome == "ask":
            self.ask()
        elif outcome != "crash":
            self.end(name, outcome, is_compensation=verb == COMPENSATE)

    @property
    def next(self):
        """What comes next, which must be there."""
        following = next_of(self.data)
        assert following is not None
        return following

    def ask(self):
        """Ask it to turn back, where it can."""
        if not self.data["goes_back"]:
            self.move(moves.TURN_BACK, reason="asked")

    def end(self, name, outcome, *, is_compensation):
        """Let the attempt under way end."""
        if is_compensation:
            verb = {"finish": "compensated", "retry": "recompensate", "overdue": "recompensate"}.get(outcome, GIVE_UP)
            self.step(verb, name, **({} if verb == "compensated" else {"error": outcome}))
        elif outcome == "finish":
            self.step("finish", name, result=name.upper())
        else:
            verb = "retry" if outcome in {"retry", "overdue"} else FAIL
            self.step(verb, name, error=outcome, unknown=outcome in {"overdue", "lost"})

    def verbs(self, *wanted):
        """Return the steps that these verbs were said of, in order."""
        split = [action.partition(" ") for action in self.actions]
        return [name for verb, _, name in split if verb in wanted]


def _copy(data):
    return {**data, "steps": [dict(step) for step in data["steps"]], "errors": [dict(one) for one in data["errors"]]}


def ended(shape, script):
    """Return a run through a script, and then by attempts that fail, to its end: it has one."""
    run = Run(shape)
    for outcome in script:
        if run.status in ENDS:
            return run
        run.attempt(outcome)
    for _ in range(len(shape) + 2):
        if run.status in ENDS:
            return run
        run.attempt("fail")
    raise AssertionError(run.actions)


@given(shapes, scripts)
def test_exactly_what_finished_or_may_have_is_compensated_in_reverse(shape, script):
    """Whatever the outcomes, and wherever its workers die: no other step, none twice, and none is left out."""
    run = ended(shape, script)
    undone = run.verbs("compensated", GIVE_UP)
    can_undo = dict(shape)
    if run.status == "completed":
        assert undone == []
        return
    doubtful = [step["name"] for step in run.data["steps"] if step["outcome"] == "unknown"]
    assert len(doubtful) <= 1
    wanted = [name for name in run.verbs("finish") + doubtful if can_undo[name]]
    assert undone == wanted[::-1]


@given(shapes, scripts)
def test_a_step_is_begun_only_behind_all_before_it_and_never_once_it_goes_back(shape, script):
    """What begins is the first step that has not finished."""
    run, order = ended(shape, script), [name for name, _ in shape]
    finished = run.verbs("finish")
    assert finished == order[: len(finished)]
    turned = [index for index, action in enumerate(run.actions) if action.partition(" ")[0] == COMPENSATE]
    begun = [index for index, action in enumerate(run.actions) if action.startswith("begin ")]
    assert not turned or not begun or max(begun) < min(turned)


@given(shapes, scripts)
def test_the_end_tells_every_error_that_was_not_tried_again(shape, script):
    """Each failed step, and each compensation that was given up, has its error there, and its status says so."""
    run = ended(shape, script)
    final = [(error["step"], error["phase"]) for error in run.data["errors"] if error["is_final"]]
    failed, given_up = run.verbs(FAIL), run.verbs(GIVE_UP)
    assert final == [(name, "action") for name in failed] + [(name, "compensation") for name in given_up]
    assert (run.status == "compensation_failed") == bool(given_up)


def test_a_step_that_finished_keeps_its_result():
    """Those that come later, and compensations, are given it."""
    run = Run((("a", True), ("b", True)))
    run.attempt("finish")
    assert results_of(run.data) == {"a": "A"}
    run.attempt("fail")
    assert results_of(run.data) == {"a": "A"}
    assert run.status == "compensating"


def test_an_attempt_that_was_overdue_stays_in_doubt_whatever_a_later_one_raises():
    """It may yet do something: the step is compensated, first."""
    run = Run((("a", True), ("b", True)))
    run.attempt("finish")
    run.attempt("overdue")
    run.attempt("fail")
    assert (run.next.step, run.next.outcome) == ("b", "unknown")


def test_a_saga_whose_workers_always_die_ends():
    """Each step, and each compensation, is begun so often and no more."""
    run = Run((("a", True), ("b", True)))
    run.attempt("finish")
    for _ in range(42):
        run.attempt("crash")
    assert run.verbs("begin").count("b") == run.verbs(COMPENSATE).count("b") == 20
    assert run.next.step == "a"


def test_an_attempt_that_ended_is_no_crash():
    """An action, or a compensation, that fails again and again is tried as often as its policy lets it."""
    run = Run((("a", True), ("b", True)))
    run.attempt("finish")
    for _ in range(40):
        run.attempt("retry")
        assert (run.next.verb, run.next.attempts) == ("begin", 0)
    run.attempt("fail")
    for _ in range(40):
        run.attempt("retry")
        assert (run.next.verb, run.next.step, run.next.attempts) == (COMPENSATE, "a", 0)


def test_a_saga_that_is_asked_in_the_middle_of_a_step_turns_back_behind_it():
    """The step ends first, and is undone with the others."""
    run = Run((("a", True), ("b", True)))
    run.step("begin", "a", claim="c", lease_seconds=1.0, at=AT)
    run.ask()
    assert run.status == "running"
    run.end("a", "finish", is_compensation=False)
    assert run.status == "compensating"
    assert run.next.step == "a"


def test_a_step_under_way_again_is_in_doubt_also_where_the_saga_was_asked_meanwhile():
    """It is not forgotten what its first attempt may have done, and how often it was begun."""
    run = Run((("a", True),))
    run.attempt("overdue")
    run.attempt("ask")
    assert (step_of(run.data, "a")["stage"], step_of(run.data, "a")["attempts"]) == ("begun", 2)
    run.end("a", "fail", is_compensation=False)
    assert (run.next.verb, run.next.step, run.next.outcome) == (COMPENSATE, "a", "unknown")


def test_a_saga_that_has_completed_can_be_undone():
    """All of its steps are, in reverse."""
    run = Run((("a", True), ("b", False), ("c", True)))
    for _ in range(3):
        run.attempt("finish")
    run.ask()
    run.attempt("finish")
    run.attempt("finish")
    assert (run.status, run.verbs("compensated")) == ("compensated", ["c", "a"])


def test_what_was_given_up_is_compensated_after_all_when_somebody_asks():
    """And its attempts are counted anew."""
    run = Run((("a", True), ("b", True)))
    run.attempt("finish")
    run.attempt("fail")
    run.attempt("fail")
    assert run.status == "compensation_failed"
    run.move(moves.RESUME)
    assert step_of(run.data, "a")["attempts"] == 0
    run.attempt("finish")
    assert run.status == "compensated"


def test_nothing_turns_back_twice():
    """Neither on its way back nor at its end."""
    run = Run((("a", True), ("b", True)))
    run.attempt("finish")
    run.attempt("fail")
    with pytest.raises(TransitionNotAllowedError):
        run.move(moves.TURN_BACK, reason="again")


def test_errors_are_bounded_and_the_last_ones_are_kept():
    """A step that is tried for ever tells its newest errors, and none that was final goes."""
    run = Run((("a", True),))
    for _ in range(105):
        run.attempt("retry")
    run.attempt("fail")
    errors = run.data["errors"]
    assert len(errors) == 100
    assert errors[-1]["is_final"]
    assert errors[0]["attempt"] == 7


def test_a_hundred_errors_are_told():
    """Not one of them is left out yet."""
    run = Run((("a", True),))
    for _ in range(100):
        run.attempt("retry")
    assert [error["attempt"] for error in run.data["errors"]] == list(range(1, 101))
