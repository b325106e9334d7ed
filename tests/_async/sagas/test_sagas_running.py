"""Sagas on every backend: what is run, what is undone, and what is told of it."""

import pytest

from tai_state import (
    IdempotencyMismatchError,
    LockLostError,
    RetryPolicy,
    StateNotFoundError,
    TransitionNotAllowedError,
)
from tai_state._platform.tasks import async_sleep
from tai_state.errors import ConfigurationError, InvalidDataError, InvalidIdError
from tai_state.keys import OwnGovernor
from tai_state.sagas import AsyncSagaRunner, Saga, Step
from tests._async.sagas.deeds import AsyncDeeds
from tests._async.stores import in_memory


@pytest.fixture
async def deeds():
    """A saga of three steps, each tried twice."""
    return AsyncDeeds()


@pytest.fixture
async def runner(store, deeds):
    """A runner of it, with one saga to run."""
    runner = AsyncSagaRunner(store, [deeds.saga])
    await runner.start("shop", "o-1", "order", {"sku": "tea"})
    return runner


async def test_a_saga_runs_its_steps_in_order_and_completes(runner, deeds):
    """Each with the results of those before it, and a key of its own."""
    started = await runner.get("shop", "o-1")
    assert (started.status, started.step, started.results, started.data) == ("running", "reserve", {}, {"sku": "tea"})
    assert await runner.run_due() == 1
    ended = await runner.get("shop", "o-1")
    assert (ended.status, ended.step, ended.errors, ended.due_at) == ("completed", None, [], None)
    assert deeds.order == ["reserve", "charge", "ship"]
    assert ended.results["ship"] == {"of": "ship", "seen": ["charge", "reserve"]}
    assert len({deed.key for deed in deeds.done}) == 3
    assert await runner.run_due() == 0


async def test_a_step_that_fails_for_good_lets_those_before_it_be_undone_in_reverse(runner, deeds):
    """It is tried as its policy says, under one key, and is not undone itself: under its key nothing stands."""
    deeds.ends["ship"] = [OSError("no van")]
    await runner.run_due()
    ended = await runner.get("shop", "o-1")
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


async def test_each_begin_and_each_outcome_is_an_event(runner, deeds, store):
    """Of the machine that follows from the definition, in a governor that nobody else sees."""
    deeds.ends["charge"] = [OSError("no")]
    await runner.run_due()
    events = [event async for event in store.get_events(OwnGovernor("sagas", "shop"), "o-1")]
    assert [event.action for event in events] == [
        *("start", "begin reserve", "finish reserve", "begin charge", "retry charge", "begin charge", "fail charge"),
        *("compensate reserve", "compensated reserve"),
    ]
    assert (events[-1].from_status, events[-1].to_status) == ("compensating", "compensated")
    assert [one async for one in store.list_governors()] == []
    assert await store.find_state("shop", "o-1") is None


async def test_a_compensation_that_fails_is_tried_again_then_passed_over(runner, deeds):
    """The others are done; the end tells every error."""
    deeds.ends["ship"] = [OSError("no van")]
    deeds.ends["undo charge"] = [OSError("bank is closed")]
    await runner.run_due()
    ended = await runner.get("shop", "o-1")
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


async def test_what_was_passed_over_is_compensated_after_all_when_somebody_asks(runner, deeds):
    """Only that."""
    deeds.ends = {"ship": [OSError("no van")], "undo charge": [OSError("bank is closed")]}
    await runner.run_due()
    deeds.ends = {}
    assert (await runner.retry("shop", "o-1")).status == "compensating"
    assert await runner.run_due() == 1
    assert (await runner.get("shop", "o-1")).status == "compensated"
    assert deeds.order[-2:] == ["undo reserve", "undo charge"]
    with pytest.raises(TransitionNotAllowedError):
        await runner.retry("shop", "o-1")


@in_memory
async def test_a_step_that_takes_too_long_has_an_unknown_outcome_and_is_undone_first(store):
    """Its compensation is told so, and the attempt that goes on is told that it is over."""
    deeds = AsyncDeeds("reserve", "charge", retry=None, timeout=0.05)
    seen = []

    async def slow(ctx):
        seen.append(ctx)
        while True:
            await async_sleep(0.01)
            await ctx.check()

    deeds.ends["charge"] = [slow]
    runner = AsyncSagaRunner(store, [deeds.saga])
    await runner.start("shop", "o-1", "order")
    await runner.run_due()
    ended = await runner.get("shop", "o-1")
    assert ended.status == "compensated"
    assert [(deed.what, deed.outcome) for deed in deeds.done[-2:]] == [
        ("undo charge", "unknown"),
        ("undo reserve", "finished"),
    ]
    assert deeds.done[-2].key == deeds.done[-3].key
    assert ended.errors[0].error == "no outcome within 0.05 seconds"
    with pytest.raises(LockLostError):
        await seen[0].check()


@in_memory
async def test_an_attempt_behind_one_that_was_overdue_may_finish_the_step(store):
    """Then nothing is in doubt any more; to an action no outcome is told."""
    deeds = AsyncDeeds("reserve", timeout=0.05)

    async def slow(ctx):
        del ctx
        await async_sleep(0.2)

    deeds.ends["reserve"] = [slow, async_named]
    runner = AsyncSagaRunner(store, [deeds.saga])
    await runner.start("shop", "o-1", "order")
    await runner.run_due()
    ended = await runner.get("shop", "o-1")
    assert (ended.status, ended.results, ended.last_error) == ("completed", {"reserve": "reserve"}, None)
    assert [(deed.attempt, deed.outcome) for deed in deeds.done] == [(1, None), (2, None)]


@in_memory
async def test_a_result_that_cannot_be_stored_fails_a_step_that_was_done(runner, deeds):
    """It is undone, and not tried again: it would return the same."""

    async def badly(ctx):
        del ctx
        return {1, 2}

    deeds.ends["charge"] = [badly]
    await runner.run_due()
    ended = await runner.get("shop", "o-1")
    assert ended.status == "compensated"
    assert deeds.order == ["reserve", "charge", "undo charge", "undo reserve"]
    assert "InvalidDataError" in ended.errors[0].error


async def test_a_saga_is_started_once_however_often_it_is_asked_for(runner, store, deeds):
    """By its id, or by a key; with other data, or of another definition, it is another one's."""
    other = AsyncSagaRunner(store, [deeds.saga, Saga("refund", [Step("a", print)])])
    again = await other.start("shop", "o-1", "order", {"sku": "tea"})
    assert (again.version, again.status) == (1, "running")
    with pytest.raises(IdempotencyMismatchError):
        await runner.start("shop", "o-1", "order", {"sku": "rum"})
    with pytest.raises(IdempotencyMismatchError):
        await other.start("shop", "o-1", "refund", {"sku": "tea"})
    first = await runner.start("shop", "o-2", "order", {"n": 1}, "k")
    assert (await runner.start("shop", "o-2", "order", {"n": 1}, "k")).version == first.version
    with pytest.raises(IdempotencyMismatchError):
        await runner.start("shop", "o-2", "order", {"n": 2}, "k")
    assert await runner.run_due() == 2
    assert (await runner.start("shop", "o-1", "order", {"sku": "tea"})).status == "completed"


@in_memory
async def test_what_cannot_be_started_is_refused(runner):
    """And nothing is written."""
    with pytest.raises(ConfigurationError, match="refund"):
        await runner.start("shop", "o-2", "refund")
    with pytest.raises(InvalidDataError):
        await runner.start("shop", "o-2", "order", {1})
    with pytest.raises(InvalidIdError):
        await runner.start("", "o-2", "order")
    with pytest.raises(StateNotFoundError):
        await runner.get("shop", "o-2")


async def test_sagas_are_listed_by_status_and_by_name(store, deeds):
    """In the order of their ids."""
    runner = AsyncSagaRunner(store, [deeds.saga, Saga("refund", [Step("a", deeds.saga.steps[0].action)])])
    for number in range(3):
        await runner.start("shop", f"o-{number}", "order")
    await runner.start("shop", "r", "refund")
    await runner.compensate("shop", "o-1", reason="closed")
    await runner.start("other", "x", "order")
    assert [one.saga_id async for one in runner.list_sagas("shop")] == ["o-0", "o-1", "o-2", "r"]
    assert [one.saga_id async for one in runner.list_sagas("shop", status="compensated")] == ["o-1"]
    assert [one.saga_id async for one in runner.list_sagas("shop", saga_name="refund")] == ["r"]
    assert [one.saga_id async for one in runner.list_sagas("shop", after="o-1", limit=1)] == ["o-2"]


async def test_a_saga_that_is_asked_to_turn_back_undoes_what_has_finished(store, runner, deeds):
    """Behind the step that is under way, which nobody takes over meanwhile; why is kept."""

    async def ask(ctx):
        await runner.compensate("shop", ctx.saga_id, reason="the customer changed his mind")
        assert await AsyncSagaRunner(store, [deeds.saga]).run_due() == 0
        return "charged"

    deeds.ends["charge"] = [ask]
    await runner.run_due()
    ended = await runner.get("shop", "o-1")
    assert (ended.status, ended.reason, ended.errors) == ("compensated", "the customer changed his mind", [])
    assert deeds.order == ["reserve", "charge", "undo charge", "undo reserve"]
    with pytest.raises(TransitionNotAllowedError):
        await runner.compensate("shop", "o-1")


async def test_a_saga_of_which_a_step_is_under_way_is_not_tried_again(runner, deeds):
    """It is its worker's, or is taken up when the lease ends."""

    async def ask(ctx):
        with pytest.raises(TransitionNotAllowedError, match="under way"):
            await runner.retry("shop", ctx.saga_id)

    deeds.ends["charge"] = [ask]
    await runner.run_due()
    assert (await runner.get("shop", "o-1")).status == "completed"


async def test_a_saga_that_has_completed_can_be_undone(runner, deeds):
    """As a whole."""
    await runner.run_due()
    assert (await runner.compensate("shop", "o-1")).status == "compensating"
    await runner.run_due()
    assert (await runner.get("shop", "o-1")).status == "compensated"
    assert deeds.order[3:] == ["undo ship", "undo charge", "undo reserve"]


@in_memory
async def test_a_saga_that_is_asked_to_turn_back_does_not_wait_for_an_attempt_that_never_comes(store):
    """The attempt under way fails, and would be tried again in an hour: the saga goes back at once."""
    deeds = AsyncDeeds("reserve", "charge", retry=RetryPolicy(attempts=2, wait_initial=3600, wait_max=3600))
    runner = AsyncSagaRunner(store, [deeds.saga])

    async def ask(ctx):
        await runner.compensate("shop", ctx.saga_id)
        raise OSError(ctx.step)

    deeds.ends["charge"] = [ask]
    store.runtime.access.rng.random = lambda: 0.9
    await runner.start("shop", "o-1", "order")
    assert await runner.run_due() == 1
    assert (await runner.get("shop", "o-1")).status == "compensated"
    assert deeds.order == ["reserve", "charge", "undo reserve"]


@in_memory
async def test_a_wait_that_is_long_is_left_to_the_store(store):
    """The runner has nothing in hand meanwhile; whoever asks lets it go on at once."""
    deeds = AsyncDeeds("reserve", retry=RetryPolicy(attempts=2, wait_initial=3600, wait_max=3600))
    deeds.ends["reserve"] = [OSError("closed"), async_named]
    runner = AsyncSagaRunner(store, [deeds.saga])
    store.runtime.access.rng.random = lambda: 0.9
    await runner.start("shop", "o-1", "order")
    assert await runner.run_due() == 1
    waiting = await runner.get("shop", "o-1")
    assert (waiting.status, waiting.step, len(deeds.done)) == ("running", "reserve", 1)
    assert await runner.run_due() == 0
    await runner.retry("shop", "o-1")
    assert await runner.run_due() == 1
    ended = await runner.get("shop", "o-1")
    assert (ended.status, ended.results, ended.last_error) == ("completed", {"reserve": "reserve"}, None)


async def async_named(ctx):
    """Return the step's name."""
    return ctx.step
