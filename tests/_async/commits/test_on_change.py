"""Listeners of a store: told of each change once it is durable, in nobody's way."""

import logging

import pytest

from tai_state import (
    AsyncStateMachinePersister,
    AsyncTransactionManager,
    ConfigurationError,
    Event,
    Machine,
    StateNotFoundError,
    Transition,
)
from tai_state._platform.tasks import async_sleep
from tai_state._platform.waits import AsyncSignal
from tests._async.stores import in_memory

LIGHT = Machine("light", "off", [Transition("on", "off", "on"), Transition("off", "on", "off")])
SECONDS = 10.0


class AsyncGate:
    """A callback that waits until it is let go on."""

    def __init__(self):
        self.seen: list[int] = []
        self.began = AsyncSignal()
        self.go_on = AsyncSignal()

    async def __call__(self, event):
        self.seen.append(event.version)
        self.began.set()
        await self.go_on.wait(SECONDS)


async def test_a_listener_is_told_of_each_change(store):
    """Saves, moves and deletes, as the events that the log holds."""
    seen: list[Event] = []
    listener = store.on_change(seen.append)
    light = AsyncStateMachinePersister(store, LIGHT)
    await light.start("g", "s")
    await light.transition("g", "s", "on")
    await store.delete_state("g", "s")
    assert await listener.close() is True
    assert [(event.version, event.action, event.to_status) for event in seen] == [
        (1, "start", "off"),
        (2, "on", "on"),
        (3, "delete", "on"),
    ]
    assert seen == [event async for event in store.get_events("g", "s")]
    await store.close()


@in_memory
async def test_a_listener_that_waits_is_woken(store):
    """Each time, whatever it was told before."""
    seen: list[int] = []
    told = AsyncSignal()

    def note(event):
        seen.append(event.version)
        told.set()

    listener = store.on_change(note)
    for version in range(1, 4):
        await store.save_state("g", "s", {"n": version})
        assert await told.wait(SECONDS)
        await async_sleep(0.01)  # it waits again
        assert seen == list(range(1, version + 1))
    await listener.close()


@in_memory
async def test_a_transaction_is_told_once_it_is_committed(store):
    """Each of its changes, with the time of the commit; a body that fails tells nothing."""
    seen: list[Event] = []
    listener = store.on_change(seen.append)

    async def two(tx):
        await tx.save_state("g", "a", {"n": 1})
        await tx.save_state("g", "b", {"n": 2})

    async def none(tx):
        await tx.save_state("g", "c", {"n": 3})
        raise ValueError("no")

    manager = AsyncTransactionManager(store)
    await manager.run(two)
    with pytest.raises(ValueError, match="no"):
        await manager.run(none)
    await listener.close()
    assert [(event.state_id, event.to_state) for event in seen] == [("a", {"n": 1}), ("b", {"n": 2})]
    assert [event.committed_at for event in seen] == [
        event.committed_at for state_id in "ab" async for event in store.get_events("g", state_id)
    ]
    await store.close()


@in_memory
async def test_a_move_with_its_dependents_is_told_whole(store):
    """The reaction goes with the commit of what it reacts to, and is told behind it."""
    child = Machine("child", "idle", [Transition("go", "idle", "gone")], on_dependency={"on": "go"})
    parents = AsyncStateMachinePersister(store, LIGHT, machines=[child])
    children = AsyncStateMachinePersister(store, child, machines=[LIGHT])
    await parents.start("g", "parent")
    await children.start("g", "child", depends_on=["parent"])
    seen: list[Event] = []
    listener = store.on_change(seen.append)
    await parents.transition("g", "parent", "on")
    await listener.close()
    assert [(event.state_id, event.kind) for event in seen] == [("parent", "transition"), ("child", "reaction")]
    await store.close()


@in_memory
async def test_a_refused_change_tells_nothing(store):
    """Nothing was made durable."""
    seen: list[Event] = []
    listener = store.on_change(seen.append)
    with pytest.raises(StateNotFoundError):
        await store.update_state("g", "s", {}, 1)
    await listener.close()
    assert seen == []
    await store.close()


@in_memory
async def test_a_slow_listener_is_told_how_many_it_missed(store):
    """Its buffer holds the newest changes; the count comes before what is behind the gap, and nobody waits for it."""
    gate = AsyncGate()
    told: list[tuple[int, list[int]]] = []
    listener = store.on_change(gate, on_missed=lambda count: told.append((count, list(gate.seen))), buffer=2)
    await store.save_state("g", "s", {"n": 0})
    assert await gate.began.wait(SECONDS)
    for number in range(1, 6):
        await store.save_state("g", "s", {"n": number})
    assert listener.missed == 3
    for _ in range(3):
        gate.go_on.set()
        await gate.began.wait(0.2)
    gate.go_on.set()
    assert await listener.close() is True
    assert gate.seen == [1, 5, 6]
    assert told == [(3, [1])]
    await store.close()


@in_memory
async def test_what_a_slow_listener_missed_is_logged_where_it_does_not_ask(store, caplog):
    """A count that nobody takes is not lost."""
    gate = AsyncGate()
    listener = store.on_change(gate, buffer=1)
    await store.save_state("g", "s", {"n": 0})
    assert await gate.began.wait(SECONDS)
    await store.save_state("g", "s", {"n": 1})
    await store.save_state("g", "s", {"n": 2})
    with caplog.at_level(logging.WARNING, "tai_state"):
        for _ in range(2):
            gate.go_on.set()
            await gate.began.wait(0.2)
        gate.go_on.set()
        await listener.close()
    assert "a listener is too slow: it was not told of 1 changes" in caplog.text
    await store.close()


@in_memory
async def test_a_failing_listener_harms_nobody(store, caplog):
    """Neither the change, nor other listeners, nor what it is told next; its error's text is not logged."""
    seen: list[int] = []
    others: list[Event] = []

    def fail(event):
        seen.append(event.version)
        raise ValueError("secret")

    failing, other = store.on_change(fail), store.on_change(others.append)
    await store.save_state("g", "s", {"n": 0})
    await store.save_state("g", "s", {"n": 1})
    await failing.close()
    await other.close()
    assert seen == [1, 2]
    assert [event.version for event in others] == [1, 2]
    assert "a listener raised ValueError" in caplog.text
    assert "secret" not in caplog.text
    await store.close()


@in_memory
async def test_a_listener_hears_of_the_states_that_it_asks_for(store):
    """A governor, a state, or both."""
    governor: list[Event] = []
    state: list[Event] = []
    one = store.on_change(governor.append, governor_id="g")
    two = store.on_change(state.append, governor_id="g", state_id="s")
    for governor_id, state_id in [("g", "s"), ("g", "t"), ("h", "s")]:
        await store.save_state(governor_id, state_id, {})
    await one.close()
    await two.close()
    assert [event.state_id for event in governor] == ["s", "t"]
    assert [event.state_id for event in state] == ["s"]
    await store.close()


@in_memory
async def test_a_closed_listener_is_told_no_more(store):
    """Closing twice is closing once; what it was told before stays."""
    seen: list[Event] = []
    async with store.on_change(seen.append) as listener:
        await store.save_state("g", "s", {})
    await store.save_state("g", "s", {})
    assert await listener.close() is True
    assert [event.version for event in seen] == [1]
    await store.close()


@in_memory
async def test_each_listener_gets_a_copy_of_its_own(store):
    """What one does to the data of an event, no other sees."""
    seen: list[Event] = []

    def spoil(event):
        event.to_state["n"] = "spoiled"

    one, two = store.on_change(spoil), store.on_change(seen.append)
    await store.save_state("g", "s", {"n": 1})
    await one.close()
    await two.close()
    assert seen[0].to_state == {"n": 1}
    assert (await store.get_state("g", "s"))[0].data == {"n": 1}
    await store.close()


@in_memory
async def test_draining_tells_what_is_in_the_buffers(store):
    """A store that is left has told all its changes, also to one who takes his time."""
    seen: list[Event] = []

    async def take_time(event):
        await async_sleep(0.002)
        seen.append(event)

    async with store:
        store.on_change(take_time)
        for number in range(20):
            await store.save_state("g", "s", {"n": number})
    assert [event.version for event in seen] == list(range(1, 21))


@in_memory
async def test_a_change_whose_reply_was_lost_is_told_once(place):
    """It was settled by reading, and is durable."""
    store, _ = place.faulty("fine", "reply lost")
    await store.save_state("g", "s", {"n": 0})
    seen: list[Event] = []
    listener = store.on_change(seen.append)
    await store.save_state("g", "s", {"n": 1})
    await listener.close()
    assert [event.version for event in seen] == [2]
    await store.close()


@in_memory
@pytest.mark.parametrize("options", [{"callback": 3}, {"callback": print, "on_missed": 3}])
async def test_what_cannot_be_called_is_no_listener(store, options):
    """It is refused at once, not with the first change."""
    with pytest.raises(ConfigurationError, match="must be something to call, not 3"):
        store.on_change(**options)


@in_memory
async def test_a_buffer_holds_one_change_at_least(store):
    """Nothing could be told through one that holds none."""
    with pytest.raises(ConfigurationError, match="buffer must be an int of at least 1, not 0"):
        store.on_change(print, buffer=0)


@in_memory
async def test_a_listener_that_cannot_be_told_is_in_nobodys_way(store, monkeypatch, caplog):
    """As where no thread can be started any more, at the end of a program: the change is durable, and told as that."""

    def refuse(*_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("tai_state._async.commits.listening.AsyncBackground", refuse)
    listener = store.on_change(print)
    assert await store.save_state("g", "s", {}) == 1
    assert "a listener could not be told of a change: RuntimeError" in caplog.text
    await listener.close(0)
