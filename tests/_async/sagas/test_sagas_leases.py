"""Who has a saga: what becomes of it when its worker dies, is slow, is drained, or knows another definition."""

import logging

import pytest

from tai_state import AsyncMemoryStore, ChangeMetadata, LockLostError, RetryPolicy, StoreClosedError
from tai_state._async.due.states import AsyncDueStates
from tai_state._async.sagas import driving, held
from tai_state._async.sagas.held import AsyncHeldSaga, Seen
from tai_state._platform.tasks import async_sleep
from tai_state.authors import author_of_due
from tai_state.config import LockConfig
from tai_state.keys import OwnGovernor
from tai_state.layout import state_layout
from tai_state.rules.commits.scheduled import as_found
from tai_state.rules.sagas.changes import step_move
from tai_state.sagas import AsyncSagaRunner, Saga, Step
from tai_state.testing import ManualClock
from tests._async.sagas.deeds import AsyncDeeds, DiedError
from tests.waits import SECONDS_MAX

LEASE = 60.0


@pytest.fixture
async def clock():
    """The clock of the store, and of its callers."""
    return ManualClock()


@pytest.fixture
async def store(clock):
    """A store on that clock."""
    return AsyncMemoryStore(clock=clock, actor="tester")


@pytest.fixture
async def deeds():
    """A saga of three steps, each tried twice."""
    return AsyncDeeds()


@pytest.fixture
async def runner(store, deeds):
    """A runner of it, with one saga to run."""
    runner = AsyncSagaRunner(store, [deeds.saga], lease=LEASE)
    await runner.start("shop", "o-1", "order")
    return runner


async def async_dies(runner):
    """Let the runner's worker die in the middle of what it does."""
    with pytest.raises(DiedError):
        await runner.run_due()


async def test_a_saga_whose_worker_died_is_taken_up_at_its_step_once_the_lease_has_ended(store, runner, deeds, clock):
    """Its action runs again, under the same key; nothing before it does."""
    deeds.ends["charge"] = [DiedError(), deeds.saga.steps[0].action]
    await async_dies(runner)
    other = AsyncSagaRunner(store, [deeds.saga], lease=LEASE)
    clock.advance(LEASE - 1)
    assert await other.run_due() == 0
    clock.advance(2)
    assert await other.run_due() == 1
    assert (await other.get("shop", "o-1")).status == "completed"
    charges = [deed for deed in deeds.done if deed.what == "charge"]
    assert [deed.attempt for deed in charges] == [1, 2]
    assert charges[0].key == charges[1].key
    assert deeds.order.count("ship") == 1


async def test_a_death_is_no_failure(runner, deeds, clock):
    """What the step's policy bounds are attempts that failed."""
    deeds.ends["charge"] = [DiedError(), DiedError(), OSError("no"), deeds.saga.steps[0].action]
    for _ in range(2):
        await async_dies(runner)
        clock.advance(LEASE + 1)
    await runner.run_due()
    ended = await runner.get("shop", "o-1")
    assert ended.status == "completed"
    assert [error.attempt for error in ended.errors] == [3]


async def test_a_step_whose_workers_always_die_has_no_outcome_in_the_end(runner, deeds, clock):
    """It is not begun for ever: the saga turns back, and undoes it first."""
    deeds.ends["charge"] = [DiedError()]
    for _ in range(20):
        await async_dies(runner)
        clock.advance(LEASE + 1)
    await runner.run_due()
    ended = await runner.get("shop", "o-1")
    assert ended.status == "compensated"
    assert [(deed.what, deed.outcome) for deed in deeds.done[-2:]] == [
        ("undo charge", "unknown"),
        ("undo reserve", "finished"),
    ]
    assert ended.errors[-1].error == "its worker's lease ended: no heartbeat for 60 seconds in attempt 20"


async def test_a_compensation_whose_workers_always_die_is_passed_over(runner, deeds, clock):
    """And the others are done."""
    deeds.ends = {"ship": [OSError("no van")], "undo charge": [DiedError()]}
    for _ in range(20):
        await async_dies(runner)
        clock.advance(LEASE + 1)
    await runner.run_due()
    ended = await runner.get("shop", "o-1")
    assert (ended.status, deeds.order[-1]) == ("compensation_failed", "undo reserve")


async def test_a_worker_that_was_only_slow_is_told_and_heard_no_more(store, runner, deeds, clock):
    """Both ran the action under one key; the saga is as the other one left it."""
    other = AsyncSagaRunner(store, [deeds.saga], lease=LEASE)
    told = []

    async def slow(ctx):
        clock.advance(LEASE + 1)
        with pytest.raises(LockLostError) as lost:
            await ctx.check()
        told.append(lost.value.reason)
        assert await other.run_due() == 1
        return "late"

    deeds.ends["charge"] = [slow, deeds.saga.steps[0].action]
    assert await runner.run_due() == 0
    ended = await other.get("shop", "o-1")
    assert (ended.status, told) == ("completed", ["expired"])
    assert ended.results["charge"] != "late"
    assert deeds.order.count("ship") == 1


async def test_who_has_lost_a_saga_ends_no_step_of_who_has_it(store, runner, deeds, clock):
    """Though it stands where it stood: another claim began the step anew."""
    other = AsyncSagaRunner(store, [deeds.saga], lease=LEASE)

    async def slow(ctx):
        clock.advance(LEASE + 1)
        await async_dies(other)
        return ctx.step

    deeds.ends["charge"] = [slow, DiedError(), deeds.saga.steps[0].action]
    assert await runner.run_due() == 0
    left = await other.get("shop", "o-1")
    assert (left.step, sorted(left.results), left.version) == ("charge", ["reserve"], 5)


async def test_a_step_that_gives_up_since_its_lease_is_lost_has_not_failed(runner, deeds, clock):
    """Whoever finds the saga then goes on with it."""

    async def slow(ctx):
        clock.advance(LEASE + 1)
        await ctx.check()

    deeds.ends["charge"] = [slow, deeds.saga.steps[0].action]
    assert await runner.run_due() == 1
    ended = await runner.get("shop", "o-1")
    assert (ended.status, ended.errors) == ("completed", [])


async def test_a_lost_lock_of_the_users_own_is_a_failure_like_any_other(runner, deeds):
    """The saga itself is still held."""
    deeds.ends["charge"] = [LockLostError("mine", "expired")]
    await runner.run_due()
    ended = await runner.get("shop", "o-1")
    assert (ended.status, len(ended.errors)) == ("compensated", 2)


async def test_heartbeats_keep_a_saga_for_as_long_as_its_step_takes():
    """Its due time moves, without an event, and no other runner finds it."""
    store = AsyncMemoryStore(actor="tester")
    deeds = AsyncDeeds("reserve")
    runner = AsyncSagaRunner(store, [deeds.saga], lease=0.3)
    other = AsyncSagaRunner(store, [deeds.saga])
    seen = []

    async def long(ctx):
        for _ in range(int(SECONDS_MAX / 0.01)):
            state = await runner.get("shop", ctx.saga_id)
            seen.append((state.due_at, state.version))
            assert await other.run_due() == 0
            await ctx.check()
            if len({due for due, _ in seen}) >= 5:
                return "done"
            await async_sleep(0.01)
        return "its due time never moved"

    deeds.ends["reserve"] = [long]
    await runner.start("shop", "o-1", "order")
    assert await runner.run_due() == 1
    ended = await runner.get("shop", "o-1")
    assert ended.results == {"reserve": "done"}
    assert {version for _, version in seen} == {2}


async def test_a_heartbeat_that_ends_when_its_saga_was_let_go_says_nothing_of_the_next_claim(
    store, runner, deeds, monkeypatch
):
    """It took long, and found the claim gone: what is taken again by another is held."""
    governor = OwnGovernor("sagas", "shop")
    record = await store.runtime.record(state_layout(governor, "o-1"), store.runtime.access.begin(None))
    seen = Seen(state_layout(governor, "o-1"), governor, record, record.timestamp, deeds.saga)
    saga = AsyncHeldSaga(AsyncDueStates(store), seen, author_of_due("tester"), LockConfig(ttl=LEASE).timing())

    async def late(*arguments, **options):
        del arguments, options
        await saga.let_go()
        raise LockLostError("the saga", "stolen")

    monkeypatch.setattr(held, "async_renew_lease", late)
    assert await saga._beat() is None
    begins = {"claim": saga.claim, "lease_seconds": LEASE, "at": record.timestamp}
    await saga.move(step_move("begin", "reserve", begins, after=saga.lease), as_found(record))
    saga.check(is_over=False)


async def test_one_who_is_asked_to_turn_back_when_its_worker_died_undoes_the_step_in_doubt_first(runner, deeds, clock):
    """It is not begun again: nobody knows what it did."""
    deeds.ends["charge"] = [DiedError()]
    await async_dies(runner)
    assert (await runner.compensate("shop", "o-1")).status == "running"
    clock.advance(LEASE + 1)
    await runner.run_due()
    assert (await runner.get("shop", "o-1")).status == "compensated"
    assert [(deed.what, deed.outcome) for deed in deeds.done[2:]] == [
        ("undo charge", "unknown"),
        ("undo reserve", "finished"),
    ]


async def test_a_runner_that_is_drained_ends_between_two_steps(store, runner, deeds):
    """The saga is due at once, for others; it takes no more."""

    async def drains(ctx):
        await runner.drain(timeout=0)
        return ctx.step

    deeds.ends["reserve"] = [drains]
    assert await runner.run_due() == 1
    left = await runner.get("shop", "o-1")
    assert (left.step, left.results, deeds.order) == ("charge", {"reserve": "reserve"}, ["reserve"])
    with pytest.raises(StoreClosedError):
        await runner.run_due()
    assert await AsyncSagaRunner(store, [deeds.saga]).run_due() == 1
    assert (await AsyncSagaRunner(store).get("shop", "o-1")).status == "completed"


async def test_a_runner_that_is_drained_while_a_step_waits_does_not_try_it_again(store, monkeypatch):
    """Whoever is there when the wait is over does."""
    deeds = AsyncDeeds("reserve", retry=RetryPolicy(attempts=2, wait_initial=0.2, wait_max=0.2))
    runner = AsyncSagaRunner(store, [deeds.saga])

    async def drained(seconds):
        del seconds
        await runner.drain(timeout=0)

    monkeypatch.setattr(driving, "async_sleep", drained)
    deeds.ends["reserve"] = [OSError("closed")]
    await runner.start("shop", "o-1", "order")
    assert await runner.run_due() == 1
    left = await runner.get("shop", "o-1")
    assert (left.status, left.step, deeds.order) == ("running", "reserve", ["reserve"])


async def test_a_saga_of_another_definition_is_left_alone_or_goes_on_by_it(store, runner, deeds, clock, caplog):
    """By the fingerprint under which it was begun; a runner that is given that version goes on with it."""
    deeds.ends["charge"] = [DiedError(), deeds.saga.steps[0].action]
    await async_dies(runner)
    clock.advance(LEASE + 1)
    newer = AsyncDeeds("reserve", "pack", "charge", "ship").saga
    with caplog.at_level(logging.WARNING, "tai_state"):
        assert await AsyncSagaRunner(store, [newer]).run_due() == 0
    assert any(getattr(record, "event", None) == "saga_redefined" for record in caplog.records)
    assert (await runner.get("shop", "o-1")).fingerprint == deeds.saga.fingerprint
    both = Saga("order", newer.steps, versions=[deeds.saga])
    assert await AsyncSagaRunner(store, [both]).run_due() == 1
    assert (await runner.get("shop", "o-1")).status == "completed"


async def test_what_is_no_saga_any_more_is_stepped_past(store, runner, deeds, caplog):
    """It holds up no other."""
    await runner.start("shop", "o-2", "order")
    saga = (await store.find_state(OwnGovernor("sagas", "shop"), "o-2")).data
    begun = [saga["steps"][0] | {"stage": "begun"}, *saga["steps"][1:]]
    spoilt: list[dict[str, object]] = [
        {},
        {"steps": [], "goes_back": False},
        saga | {"steps": begun, "asked": "now", "lease_seconds": "long"},
        saga | {"steps": begun, "asked": "now", "lease_seconds": 1.0, "errors": None},
    ]
    for number, data in enumerate(spoilt):
        await runner.start("shop", f"bad-{number}", "order")
        metadata = ChangeMetadata(changed_by="tester", reason="a mistake")
        await store.save_state(OwnGovernor("sagas", "shop"), f"bad-{number}", data, metadata, force=True)
    with caplog.at_level(logging.WARNING, "tai_state"):
        assert await runner.run_due() == 2
    assert len([record for record in caplog.records if "stepped past" in record.getMessage()]) == len(spoilt)
    assert deeds.order.count("ship") == 2


async def test_the_functions_of_a_saga_may_be_plain(store):
    """In both colours."""
    saga = Saga("plain", [Step("a", lambda ctx: ctx.data, lambda ctx: None)])
    runner = AsyncSagaRunner(store, [saga])
    await runner.start("shop", "o-1", "plain", [1])
    await runner.run_due()
    assert (await runner.get("shop", "o-1")).results == {"a": [1]}
