# Generated from tests/_async/sagas/test_sagas_running.py by .ci/generate_sync.py; do not edit.
"""Sagas on every backend: what is run, what is undone, and what is told of it."""
import pytest

from tai_state import (
    IdempotencyMismatchError,
    LockLostError,
    RetryPolicy,
    StateNotFoundError,
    TransitionNotAllowedError,
)
from tai_state._platform.tasks import sleep
from tai_state.errors import ConfigurationError, InvalidDataError, InvalidIdError
from tai_state.keys import OwnGovernor
from tai_state.sagas import SagaRunner, Saga, Step
from tests._sync.sagas.deeds import Deeds
from tests._sync.stores import in_memory


@pytest.fixture
def deeds():
    """A saga of three steps, each tried twice."""
    return Deeds()


@pytest.fixture
def runner(store, deeds):
    """A runner of it, with one saga to run."""
    runner = SagaRunner(store, [deeds.saga])
    runner.start("shop", "o-1", "order", {"sku": "tea"})
    return runner


def test_a_saga_runs_its_steps_in_order_and_completes(runner, deeds):
    """Each with the results of those before it, and a key of its own."""
    started = runner.get("shop", "o-1")
    assert (started.status, started.step, started.results, started.data) == ("running", "reserve", {}, {"sku": "tea"})
    assert runner.run_due() == 1
    ended = runner.get("shop", "o-1")
    assert (ended.status, ended.step, ended.errors, ended.due_at) == ("completed", None, [], None)
    assert deeds.order == ["reserve", "charge", "ship"]
    assert ended.results["ship"] == {"of": "ship", "seen": ["charge", "reserve"]}
    assert len({deed.key for deed in deeds.done}) == 3
    assert runner.run_due() == 0


def test_a_step_that_fails_for_good_lets_those_before_it_be_undone_in_reverse(runner, deeds):
    """It is tried as its policy says, under one key, and is not undone itself: under its key nothing stands."""
    deeds.ends["ship"] = [OSError("no van")]
    runner.run_due()
    ended = runner.get("shop", "o-1")
    assert ended.status == "compensated"
    assert deeds.order == ["reserve", "charge", "ship", "ship", "undo charge", "undo reserve"]
    assert [deed.attempt for deed in deeds.done] == [1, 1, 1, 2, 1, 1]
    ships = {deed.key for deed in deeds.done if deed.what == "ship"}
    assert len(ships) == 1
    assert {deed.key for deed in deeds.done if "reserve" in deed.what} != ships
    assert len({deed.key for deed in deeds.done}) == 3
    assert [(error.step, error.error, error.is_final) for error in ended.errors] == [
        ("ship", "OSError: no van", False),
        ("ship", "OSError: no van", True),
    ]
    assert ended.last_error == "ship: OSError: no van"
    assert [deed.outcome for deed in deeds.done[-2:]] == ["finished", "finished"]


def test_each_begin_and_each_outcome_is_an_event(runner, deeds, store):
    """Of the machine that follows from the definition, in a governor that nobody else sees."""
    deeds.ends["charge"] = [OSError("no")]
    runner.run_due()
    events = [event for event in store.get_events(OwnGovernor("sagas", "shop"), "o-1")]
    assert [event.action for event in events] == [
        *("start", "begin reserve", "finish reserve", "begin charge", "retry charge", "begin charge", "fail charge"),
        *("compensate reserve", "compensated reserve"),
    ]
    assert (events[-1].from_status, events[-1].to_status) == ("compensating", "compensated")
    assert [one for one in store.list_governors()] == []
    assert store.find_state("shop", "o-1") is None


def test_a_compensation_that_fails_is_tried_again_then_passed_over(runner, deeds):
    """The others are done; the end tells every error."""
    deeds.ends["ship"] = [OSError("no van")]
    deeds.ends["undo charge"] = [OSError("bank is closed")]
    runner.run_due()
    ended = runner.get("shop", "o-1")
    assert ended.status == "compensation_failed"
    assert deeds.order[-3:] == ["undo charge", "undo charge", "undo reserve"]
    assert [(error.step, error.phase) for error in ended.errors if error.is_final] == [
        ("ship", "action"),
        ("charge", "compensation"),
    ]
    assert [(step.name, step.stage) for step in ended.steps] == [
        ("reserve", "compensated"),
        ("charge", "compensation_failed"),
        ("ship", "failed"),
    ]


def test_what_was_passed_over_is_compensated_after_all_when_somebody_asks(runner, deeds):
    """Only that."""
    deeds.ends = {"ship": [OSError("no van")], "undo charge": [OSError("bank is closed")]}
    runner.run_due()
    deeds.ends = {}
    assert (runner.retry("shop", "o-1")).status == "compensating"
    assert runner.run_due() == 1
    assert (runner.get("shop", "o-1")).status == "compensated"
    assert deeds.order[-2:] == ["undo reserve", "undo charge"]
    with pytest.raises(TransitionNotAllowedError):
        runner.retry("shop", "o-1")


@in_memory
def test_a_step_that_takes_too_long_has_an_unknown_outcome_and_is_undone_first(store):
    """Its compensation is told so, and the attempt that goes on is told that it is over."""
    deeds = Deeds("reserve", "charge", retry=None, timeout=0.05)
    seen = []

    def slow(ctx):
        seen.append(ctx)
        while True:
            sleep(0.01)
            ctx.check()

    deeds.ends["charge"] = [slow]
    runner = SagaRunner(store, [deeds.saga])
    runner.start("shop", "o-1", "order")
    runner.run_due()
    ended = runner.get("shop", "o-1")
    assert ended.status == "compensated"
    assert [(deed.what, deed.outcome) for deed in deeds.done[-2:]] == [
        ("undo charge", "unknown"),
        ("undo reserve", "finished"),
    ]
    assert deeds.done[-2].key == deeds.done[-3].key
    assert ended.errors[0].error == "no outcome within 0.05 seconds"
    with pytest.raises(LockLostError):
        seen[0].check()


@in_memory
def test_an_attempt_behind_one_that_was_overdue_may_finish_the_step(store):
    """Then nothing is in doubt any more; to an action no outcome is told."""
    deeds = Deeds("reserve", timeout=0.05)

    def slow(ctx):
        del ctx
        sleep(0.2)

    deeds.ends["reserve"] = [slow, named]
    runner = SagaRunner(store, [deeds.saga])
    runner.start("shop", "o-1", "order")
    runner.run_due()
    ended = runner.get("shop", "o-1")
    assert (ended.status, ended.results, ended.last_error) == ("completed", {"reserve": "reserve"}, None)
    assert [(deed.attempt, deed.outcome) for deed in deeds.done] == [(1, None), (2, None)]


@in_memory
def test_a_result_that_cannot_be_stored_fails_a_step_that_was_done(runner, deeds):
    """It is undone, and not tried again: it would return the same."""

    def badly(ctx):
        del ctx
        return {1, 2}

    deeds.ends["charge"] = [badly]
    runner.run_due()
    ended = runner.get("shop", "o-1")
    assert ended.status == "compensated"
    assert deeds.order == ["reserve", "charge", "undo charge", "undo reserve"]
    assert "InvalidDataError" in ended.errors[0].error


def test_a_saga_is_started_once_however_often_it_is_asked_for(runner, store, deeds):
    """By its id, or by a key; with other data, or of another definition, it is another one's."""
    other = SagaRunner(store, [deeds.saga, Saga("refund", [Step("a", print)])])
    again = other.start("shop", "o-1", "order", {"sku": "tea"})
    assert (again.version, again.status) == (1, "running")
    with pytest.raises(IdempotencyMismatchError):
        runner.start("shop", "o-1", "order", {"sku": "rum"})
    with pytest.raises(IdempotencyMismatchError):
        other.start("shop", "o-1", "refund", {"sku": "tea"})
    first = runner.start("shop", "o-2", "order", {"n": 1}, "k")
    assert (runner.start("shop", "o-2", "order", {"n": 1}, "k")).version == first.version
    with pytest.raises(IdempotencyMismatchError):
        runner.start("shop", "o-2", "order", {"n": 2}, "k")
    assert runner.run_due() == 2
    assert (runner.start("shop", "o-1", "order", {"sku": "tea"})).status == "completed"


@in_memory
def test_what_cannot_be_started_is_refused(runner):
    """And nothing is written."""
    with pytest.raises(ConfigurationError, match="refund"):
        runner.start("shop", "o-2", "refund")
    with pytest.raises(InvalidDataError):
        runner.start("shop", "o-2", "order", {1})
    with pytest.raises(InvalidIdError):
        runner.start("", "o-2", "order")
    with pytest.raises(StateNotFoundError):
        runner.get("shop", "o-2")


def test_sagas_are_listed_by_status_and_by_name(store, deeds):
    """In the order of their ids."""
    runner = SagaRunner(store, [deeds.saga, Saga("refund", [Step("a", deeds.saga.steps[0].action)])])
    for number in range(3):
        runner.start("shop", f"o-{number}", "order")
    runner.start("shop", "r", "refund")
    runner.compensate("shop", "o-1", reason="closed")
    runner.start("other", "x", "order")
    assert [one.saga_id for one in runner.list_sagas("shop")] == ["o-0", "o-1", "o-2", "r"]
    assert [one.saga_id for one in runner.list_sagas("shop", status="compensated")] == ["o-1"]
    assert [one.saga_id for one in runner.list_sagas("shop", saga_name="refund")] == ["r"]
    assert [one.saga_id for one in runner.list_sagas("shop", after="o-1", limit=1)] == ["o-2"]


def test_a_saga_that_is_asked_to_turn_back_undoes_what_has_finished(store, runner, deeds):
    """Behind the step that is under way, which nobody takes over meanwhile; why is kept."""

    def ask(ctx):
        runner.compensate("shop", ctx.saga_id, reason="the customer changed his mind")
        assert SagaRunner(store, [deeds.saga]).run_due() == 0
        return "charged"

    deeds.ends["charge"] = [ask]
    runner.run_due()
    ended = runner.get("shop", "o-1")
    assert (ended.status, ended.reason, ended.errors) == ("compensated", "the customer changed his mind", [])
    assert deeds.order == ["reserve", "charge", "undo charge", "undo reserve"]
    with pytest.raises(TransitionNotAllowedError):
        runner.compensate("shop", "o-1")


def test_a_saga_of_which_a_step_is_under_way_is_not_tried_again(runner, deeds):
    """It is its worker's, or is taken up when the lease ends."""

    def ask(ctx):
        with pytest.raises(TransitionNotAllowedError, match="under way"):
            runner.retry("shop", ctx.saga_id)

    deeds.ends["charge"] = [ask]
    runner.run_due()
    assert (runner.get("shop", "o-1")).status == "completed"


def test_a_saga_that_has_completed_can_be_undone(runner, deeds):
    """As a whole."""
    runner.run_due()
    assert (runner.compensate("shop", "o-1")).status == "compensating"
    runner.run_due()
    assert (runner.get("shop", "o-1")).status == "compensated"
    assert deeds.order[3:] == ["undo ship", "undo charge", "undo reserve"]


@in_memory
def test_a_saga_that_is_asked_to_turn_back_does_not_wait_for_an_attempt_that_never_comes(store):
    """The attempt under way fails, and would be tried again in an hour: the saga goes back at once."""
    deeds = Deeds("reserve", "charge", retry=RetryPolicy(attempts=2, wait_initial=3600, wait_max=3600))
    runner = SagaRunner(store, [deeds.saga])

    def ask(ctx):
        runner.compensate("shop", ctx.saga_id)
        raise OSError(ctx.step)

    deeds.ends["charge"] = [ask]
    store.runtime.access.rng.random = lambda: 0.9
    runner.start("shop", "o-1", "order")
    assert runner.run_due() == 1
    assert (runner.get("shop", "o-1")).status == "compensated"
    assert deeds.order == ["reserve", "charge", "undo reserve"]


@in_memory
def test_a_wait_that_is_long_is_left_to_the_store(store):
    """The runner has nothing in hand meanwhile; whoever asks lets it go on at once."""
    deeds = Deeds("reserve", retry=RetryPolicy(attempts=2, wait_initial=3600, wait_max=3600))
    deeds.ends["reserve"] = [OSError("closed"), named]
    runner = SagaRunner(store, [deeds.saga])
    store.runtime.access.rng.random = lambda: 0.9
    runner.start("shop", "o-1", "order")
    assert runner.run_due() == 1
    waiting = runner.get("shop", "o-1")
    assert (waiting.status, waiting.step, len(deeds.done)) == ("running", "reserve", 1)
    assert runner.run_due() == 0
    runner.retry("shop", "o-1")
    assert runner.run_due() == 1
    ended = runner.get("shop", "o-1")
    assert (ended.status, ended.results, ended.last_error) == ("completed", {"reserve": "reserve"}, None)


def named(ctx):
    """Return the step's name."""
    return ctx.step
