"""A runner that goes on: sagas as they come due, some at a time, until it is drained."""

import pytest

from tai_state import AsyncBackendStore, AsyncMemoryStore, RetryPolicy
from tai_state._async.sagas import runner as runner_module
from tai_state._async.sagas.hands import AsyncHands
from tai_state._async.sagas.working import AsyncSagaWork
from tai_state._platform.backgrounds import AsyncBackground
from tai_state._platform.tasks import async_sleep
from tai_state.sagas import AsyncSagaRunner, Saga, Step
from tests._async.sagas.deeds import AsyncDeeds
from tests._async.stores import AsyncUnreachableBackend
from tests.waits import SECONDS_MAX


@pytest.fixture
async def store():
    """A store in memory."""
    return AsyncMemoryStore(actor="tester")


@pytest.fixture
async def deeds():
    """A saga of three steps."""
    return AsyncDeeds()


async def async_ended(runner, count):
    """Wait until so many sagas have completed."""
    found: list[str] = []
    for _ in range(int(SECONDS_MAX / 0.01)):
        found = [one.saga_id async for one in runner.list_sagas("shop", status="completed")]
        if len(found) == count:
            return
        await async_sleep(0.01)
    raise AssertionError(found)


async def test_what_its_process_starts_is_run_at_once_with_few_hands(store, deeds):
    """However rarely it looks; a drain ends it."""
    runner = AsyncSagaRunner(store, [deeds.saga], poll=3600, concurrency=2)
    running = AsyncBackground("runner", runner.run)
    for number in range(7):
        await runner.start("shop", f"o-{number}", "order")
    await async_ended(runner, 7)
    assert await runner.drain()
    assert await running.join(SECONDS_MAX)


async def test_a_saga_that_takes_long_holds_up_no_other(store, deeds):
    """While a hand is free."""
    runner = AsyncSagaRunner(store, [deeds.saga], poll=3600, concurrency=2)
    running = AsyncBackground("runner", runner.run)

    async def long(ctx):
        del ctx
        await async_ended(runner, 3)

    deeds.ends["reserve"] = [long, async_nothing]
    await runner.start("shop", "long", "order")
    while not deeds.done:
        await async_sleep(0.01)
    for number in range(3):
        await runner.start("shop", f"o-{number}", "order")
    await async_ended(runner, 4)
    assert await runner.drain()
    assert await running.join(SECONDS_MAX)


async def test_a_store_that_is_drained_ends_it_between_two_steps(store, deeds):
    """In order, with all else of the store."""
    runner = AsyncSagaRunner(store, [deeds.saga], poll=3600)

    async def drains(ctx):
        del ctx
        await store.drain(timeout=0)

    deeds.ends["charge"] = [drains]
    await runner.start("shop", "o-1", "order")
    running = AsyncBackground("runner", runner.run)
    assert await running.join(SECONDS_MAX)
    assert deeds.order == ["reserve", "charge"]
    other = AsyncSagaRunner(AsyncBackendStore(store.runtime.access.backend), [deeds.saga])
    assert await other.run_due() == 1
    assert deeds.order == ["reserve", "charge", "ship"]


async def test_it_goes_on_when_the_store_answers_again(store, deeds):
    """What was in hand is taken up again when its lease has ended."""
    backend = AsyncUnreachableBackend(store.runtime.access.backend)
    cut = AsyncBackendStore(backend, retry=RetryPolicy(attempts=1, deadline=0.2), actor="tester")
    runner = AsyncSagaRunner(cut, [deeds.saga], poll=0.05, lease=0.3)

    async def cuts(ctx):
        del ctx
        backend.is_cut = True

    deeds.ends["charge"] = [cuts, async_nothing]
    await runner.start("shop", "o-1", "order")
    running = AsyncBackground("runner", runner.run)
    while not backend.is_cut:
        await async_sleep(0.01)
    await async_sleep(0.3)
    backend.is_cut = False
    await async_ended(AsyncSagaRunner(store), 1)
    assert deeds.order.count("charge") >= 2
    assert await runner.drain()
    assert await running.join(SECONDS_MAX)


async def test_what_nobody_foresaw_ends_it_with_an_error(store, deeds, monkeypatch):
    """A bug of the package's is not passed over in a thread."""

    async def fails(*arguments):
        del arguments
        raise ZeroDivisionError

    runner = AsyncSagaRunner(store, [deeds.saga], poll=3600)
    monkeypatch.setattr(AsyncSagaWork, "_work_at", fails)
    await runner.start("shop", "o-1", "order")
    with pytest.raises(ZeroDivisionError):
        await runner.run()


async def test_it_goes_on_when_another_call_of_the_same_runner_ends(store, deeds):
    """What is due may be asked for at once beside it, as by an endpoint."""
    runner = AsyncSagaRunner(store, [deeds.saga], poll=3600)
    await runner.start("shop", "first", "order")
    running = AsyncBackground("runner", runner.run)
    await async_ended(runner, 1)
    assert await runner.run_due() == 0
    await runner.start("shop", "second", "order")
    await async_ended(runner, 2)
    assert await runner.drain()
    assert await running.join(SECONDS_MAX)


async def test_a_hand_that_becomes_free_the_moment_it_is_asked_for_is_used(store, deeds, monkeypatch):
    """What was found is not left until the next look."""
    free, asked = vars(AsyncHands)["has_room"].fget, []

    def ends_behind_the_question(hands):
        asked.append(hands)
        if len(asked) > 1:
            return free(hands)
        hands._wake()
        return False

    monkeypatch.setattr(AsyncHands, "has_room", property(ends_behind_the_question))
    runner = AsyncSagaRunner(store, [deeds.saga], poll=3600)
    await runner.start("shop", "o-1", "order")
    running = AsyncBackground("runner", runner.run)
    await async_ended(runner, 1)
    assert await runner.drain()
    assert await running.join(SECONDS_MAX)


async def test_a_saga_that_takes_long_holds_up_no_page_of_what_is_due(store, deeds, monkeypatch):
    """Its hand alone is busy: the others go on with what a look found no room for."""
    monkeypatch.setattr(runner_module, "BATCH", 2)
    runner = AsyncSagaRunner(store, [deeds.saga], concurrency=2)

    async def long(ctx):
        del ctx
        await async_ended(runner, 4)

    deeds.ends["reserve"] = [long, async_nothing]
    for number in range(5):
        await runner.start("shop", f"o-{number}", "order")
    assert await runner.run_due() == 5
    await async_ended(runner, 5)


async def test_much_that_is_due_of_one_saga_holds_up_no_other(store, monkeypatch):
    """Where a look ends with the first page of what is due, the next begins with another definition."""
    monkeypatch.setattr(runner_module, "BATCH", 2)
    ran = []

    async def note(ctx):
        ran.append(ctx.saga_id)

    runner = AsyncSagaRunner(store, [Saga(name, [Step("a", note)]) for name in ("many", "few")], concurrency=1)
    for number in range(6):
        await runner.start("shop", f"m-{number}", "many")
    await runner.start("shop", "f", "few")
    assert await runner.run_due() == 7
    assert ran.index("f") <= 2


async def async_nothing(ctx):
    """Do nothing more."""
    del ctx
