"""Triggers: handlers of some events, whose own changes know what caused them, and end where chains are too long."""

from functools import partial

import pytest

from tai_state import (
    AsyncStateMachinePersister,
    AsyncTransactionManager,
    CauseDepthError,
    Machine,
    Transition,
    async_verify,
    change_context,
)
from tai_state._async.feeds.subscription import AsyncSubscription
from tai_state._platform.tasks import async_together
from tai_state.feeds import SubscriptionConfig
from tests._async.feeds.watched import AsyncSeen, async_drained, on_engines
from tests._async.stores import in_memory

PING = Machine("ping", "here", [Transition("go", "here", "there"), Transition("back", "there", "here")])


@on_engines
async def test_a_trigger_fires_once_for_each_commit_that_meets_it(place):
    """By status, by action, under a condition, in the order in which they were added, whoever delivers."""
    store, told = place.store(), []
    ping = AsyncStateMachinePersister(store, PING)
    workers = []
    for _ in range(2):
        worker = AsyncSubscription(place.store(), "mail")

        @worker.when(status="there")
        async def by_status(event):
            told.append(("status", event.version))

        @worker.when(action=["back", "start"])
        async def by_action(event):
            told.append(("action", event.version))

        @worker.when(status="here", condition=lambda event: event.version > 1)
        async def by_both(event):
            told.append(("both", event.version))

        assert by_status.__name__ == "by_status"
        workers.append(worker)
    await ping.start("g", "s")
    for action in ("go", "back", "go"):
        await ping.transition("g", "s", action)
    await async_together([partial(async_drained, worker) for worker in workers])
    assert told == [("action", 1), ("status", 2), ("action", 3), ("both", 3), ("status", 4)]


@in_memory
async def test_the_handlers_of_an_event_share_its_fate(store):
    """Where one fails, all are told again; what they write in the event's transaction is written once."""
    told: list[str] = []
    subscription = AsyncSubscription(store, "mail", governor_id="g", delivery="exactly_once")

    @subscription.when()
    async def first(event, tx):
        told.append("first")
        await tx.save_state("effects", "first", {})

    @subscription.when()
    async def second(event, tx):
        told.append("second")
        if told.count("second") == 1:
            raise ValueError("no")
        await tx.save_state("effects", "second", {})

    await store.save_state("g", "s", {})
    assert [await subscription.run_once() for _ in range(3)] == [0, 1, 0]
    assert told == ["first", "second"] * 2
    assert [event.version async for event in store.get_events("effects", "first")] == [1]


@on_engines
@pytest.mark.parametrize("delivery", ["at_least_once", "exactly_once"])
async def test_a_change_of_a_handler_has_a_cause(store, delivery):
    """The event that the handler was told of, and how many led to it, through transactions and moves of machines."""
    ping = AsyncStateMachinePersister(store, PING)
    manager = AsyncTransactionManager(store)
    subscription = AsyncSubscription(store, "mail", governor_id="a/b", delivery=delivery)

    @subscription.when()
    async def follow(event, *more):
        await ping.start("out", "moved")
        await store.save_state("out", "saved", {})

        async def body(tx):
            await tx.save_state("out", "inner", {})

        await manager.run(body)
        for tx in more:
            await tx.save_state("out", "together", {})
        with change_context(reason="why"):
            await store.save_state("out", "reasoned", {})

    await store.save_state("a/b", "s", {})
    assert await subscription.run_once() == 1
    names = ["moved", "saved", "inner", "reasoned", *(["together"] if delivery == "exactly_once" else [])]
    for name in names:
        (event,) = [event async for event in store.get_events("out", name)]
        assert (event.cause, event.depth) == ("a%2Fb/s@1", 1), name
    (origin,) = [event async for event in store.get_events("a/b", "s")]
    assert (origin.cause, origin.depth) == (None, 0)


@in_memory
async def test_what_reacts_to_a_change_of_a_handler_has_its_cause(store):
    """A cascade is one commit, and one step of the chain."""
    child = Machine("child", "idle", [Transition("wake", "idle", "awake")], on_dependency={"there": "wake"})
    ping = AsyncStateMachinePersister(store, PING, machines=[child])
    children = AsyncStateMachinePersister(store, child, machines=[PING])
    await ping.start("out", "parent")
    await children.start("out", "child", depends_on=["parent"])
    subscription = AsyncSubscription(store, "mail", governor_id="g")

    @subscription.when()
    async def go(_):
        await ping.transition("out", "parent", "go")

    await store.save_state("g", "s", {})
    await subscription.run_once()
    *_, reaction = [event async for event in store.get_events("out", "child")]
    assert (reaction.kind, reaction.cause, reaction.depth) == ("reaction", "g/s@1", 1)


@on_engines
@pytest.mark.parametrize("delivery", ["at_most_once", "at_least_once", "exactly_once"])
async def test_triggers_that_set_each_other_off_end_with_a_dead_letter(store, delivery):
    """At the depth that was agreed, at the first attempt; the store is sound, and what is behind it is not lost."""
    ping = AsyncStateMachinePersister(store, PING)
    subscription = AsyncSubscription(store, "chain", delivery=delivery, config=SubscriptionConfig(max_depth=4))
    refused: list[Exception] = []

    async def move(action, *more):
        try:
            if more:
                await more[0].transition(ping, "g", "s", action)
            else:
                await ping.transition("g", "s", action)
        except CauseDepthError as error:
            refused.append(error)
            raise

    @subscription.when(status="here")
    async def go(event, *more):
        await move("go", *more)

    @subscription.when(status="there")
    async def back(event, *more):
        await move("back", *more)

    await ping.start("g", "s")
    await async_drained(subscription)
    assert [event.depth async for event in store.get_events("g", "s")] == [0, 1, 2, 3, 4]
    (letter,) = await subscription.dead_letters()
    assert (letter.code, letter.version, letter.attempts) == ("cause_depth", 5, 1)
    (error,) = refused
    assert isinstance(error, CauseDepthError)
    assert (error.cause, error.depth, error.max_depth) == ("g/s@5", 5, 4)
    assert all([report.is_consistent async for report in async_verify(store)])


@in_memory
async def test_a_change_outside_of_handlers_begins_a_chain_of_its_own(store):
    """Also that of a task which was told before."""
    seen = AsyncSeen()
    subscription = AsyncSubscription(store, "mail", seen, governor_id="g")
    await store.save_state("g", "s", {})
    await subscription.run_once()
    await store.save_state("g", "s", {})
    assert [event.depth async for event in store.get_events("g", "s")] == [0, 0]
