# Generated from tests/_async/feeds/test_triggers.py by .ci/generate_sync.py; do not edit.
"""Triggers: handlers of some events, whose own changes know what caused them, and end where chains are too long."""
from functools import partial

import pytest

from tai_state import (
    StateMachinePersister,
    TransactionManager,
    CauseDepthError,
    Machine,
    Transition,
    verify,
    change_context,
)
from tai_state._sync.feeds.subscription import Subscription
from tai_state._platform.tasks import together
from tai_state.feeds import SubscriptionConfig
from tests._sync.feeds.watched import Seen, drained, on_engines
from tests._sync.stores import in_memory

PING = Machine("ping", "here", [Transition("go", "here", "there"), Transition("back", "there", "here")])


@on_engines
def test_a_trigger_fires_once_for_each_commit_that_meets_it(place):
    """By status, by action, under a condition, in the order in which they were added, whoever delivers."""
    store, told = place.store(), []
    ping = StateMachinePersister(store, PING)
    workers = []
    for _ in range(2):
        worker = Subscription(place.store(), "mail")

        @worker.when(status="there")
        def by_status(event):
            told.append(("status", event.version))

        @worker.when(action=["back", "start"])
        def by_action(event):
            told.append(("action", event.version))

        @worker.when(status="here", condition=lambda event: event.version > 1)
        def by_both(event):
            told.append(("both", event.version))

        assert by_status.__name__ == "by_status"
        workers.append(worker)
    ping.start("g", "s")
    for action in ("go", "back", "go"):
        ping.transition("g", "s", action)
    together([partial(drained, worker) for worker in workers])
    assert told == [("action", 1), ("status", 2), ("action", 3), ("both", 3), ("status", 4)]


@in_memory
def test_the_handlers_of_an_event_share_its_fate(store):
    """Where one fails, all are told again; what they write in the event's transaction is written once."""
    told: list[str] = []
    subscription = Subscription(store, "mail", governor_id="g", delivery="exactly_once")

    @subscription.when()
    def first(event, tx):
        told.append("first")
        tx.save_state("effects", "first", {})

    @subscription.when()
    def second(event, tx):
        told.append("second")
        if told.count("second") == 1:
            raise ValueError("no")
        tx.save_state("effects", "second", {})

    store.save_state("g", "s", {})
    assert [subscription.run_once() for _ in range(3)] == [0, 1, 0]
    assert told == ["first", "second"] * 2
    assert [event.version for event in store.get_events("effects", "first")] == [1]


@on_engines
@pytest.mark.parametrize("delivery", ["at_least_once", "exactly_once"])
def test_a_change_of_a_handler_has_a_cause(store, delivery):
    """The event that the handler was told of, and how many led to it, through transactions and moves of machines."""
    ping = StateMachinePersister(store, PING)
    manager = TransactionManager(store)
    subscription = Subscription(store, "mail", governor_id="a/b", delivery=delivery)

    @subscription.when()
    def follow(event, *more):
        ping.start("out", "moved")
        store.save_state("out", "saved", {})

        def body(tx):
            tx.save_state("out", "inner", {})

        manager.run(body)
        for tx in more:
            tx.save_state("out", "together", {})
        with change_context(reason="why"):
            store.save_state("out", "reasoned", {})

    store.save_state("a/b", "s", {})
    assert subscription.run_once() == 1
    names = ["moved", "saved", "inner", "reasoned", *(["together"] if delivery == "exactly_once" else [])]
    for name in names:
        (event,) = [event for event in store.get_events("out", name)]
        assert (event.cause, event.depth) == ("a%2Fb/s@1", 1), name
    (origin,) = [event for event in store.get_events("a/b", "s")]
    assert (origin.cause, origin.depth) == (None, 0)


@in_memory
def test_what_reacts_to_a_change_of_a_handler_has_its_cause(store):
    """A cascade is one commit, and one step of the chain."""
    child = Machine("child", "idle", [Transition("wake", "idle", "awake")], on_dependency={"there": "wake"})
    ping = StateMachinePersister(store, PING, machines=[child])
    children = StateMachinePersister(store, child, machines=[PING])
    ping.start("out", "parent")
    children.start("out", "child", depends_on=["parent"])
    subscription = Subscription(store, "mail", governor_id="g")

    @subscription.when()
    def go(_):
        ping.transition("out", "parent", "go")

    store.save_state("g", "s", {})
    subscription.run_once()
    *_, reaction = [event for event in store.get_events("out", "child")]
    assert (reaction.kind, reaction.cause, reaction.depth) == ("reaction", "g/s@1", 1)


@on_engines
@pytest.mark.parametrize("delivery", ["at_most_once", "at_least_once", "exactly_once"])
def test_triggers_that_set_each_other_off_end_with_a_dead_letter(store, delivery):
    """At the depth that was agreed, at the first attempt; the store is sound, and what is behind it is not lost."""
    ping = StateMachinePersister(store, PING)
    subscription = Subscription(store, "chain", delivery=delivery, config=SubscriptionConfig(max_depth=4))
    refused: list[Exception] = []

    def move(action, *more):
        try:
            if more:
                more[0].transition(ping, "g", "s", action)
            else:
                ping.transition("g", "s", action)
        except CauseDepthError as error:
            refused.append(error)
            raise

    @subscription.when(status="here")
    def go(event, *more):
        move("go", *more)

    @subscription.when(status="there")
    def back(event, *more):
        move("back", *more)

    ping.start("g", "s")
    drained(subscription)
    assert [event.depth for event in store.get_events("g", "s")] == [0, 1, 2, 3, 4]
    (letter,) = subscription.dead_letters()
    assert (letter.code, letter.version, letter.attempts) == ("cause_depth", 5, 1)
    (error,) = refused
    assert isinstance(error, CauseDepthError)
    assert (error.cause, error.depth, error.max_depth) == ("g/s@5", 5, 4)
    assert all([report.is_consistent for report in verify(store)])


@in_memory
def test_a_change_outside_of_handlers_begins_a_chain_of_its_own(store):
    """Also that of a task which was told before."""
    seen = Seen()
    subscription = Subscription(store, "mail", seen, governor_id="g")
    store.save_state("g", "s", {})
    subscription.run_once()
    store.save_state("g", "s", {})
    assert [event.depth for event in store.get_events("g", "s")] == [0, 0]
