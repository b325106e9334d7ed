# Generated from tests/_async/commits/test_on_change.py by .ci/generate_sync.py; do not edit.
"""Listeners of a store: told of each change once it is durable, in nobody's way."""
import logging

import pytest

from tai_state import (
    StateMachinePersister,
    TransactionManager,
    ConfigurationError,
    Event,
    Machine,
    StateNotFoundError,
    Transition,
)
from tai_state._platform.tasks import sleep
from tai_state._platform.waits import Signal
from tests._sync.stores import in_memory

LIGHT = Machine("light", "off", [Transition("on", "off", "on"), Transition("off", "on", "off")])
SECONDS = 10.0


class Gate:
    """A callback that waits until it is let go on."""

    def __init__(self):
        self.seen: list[int] = []
        self.began = Signal()
        self.go_on = Signal()

    def __call__(self, event):
        self.seen.append(event.version)
        self.began.set()
        self.go_on.wait(SECONDS)


def test_a_listener_is_told_of_each_change(store):
    """Saves, moves and deletes, as the events that the log holds."""
    seen: list[Event] = []
    listener = store.on_change(seen.append)
    light = StateMachinePersister(store, LIGHT)
    light.start("g", "s")
    light.transition("g", "s", "on")
    store.delete_state("g", "s")
    assert listener.close() is True
    assert [(event.version, event.action, event.to_status) for event in seen] == [
        (1, "start", "off"),
        (2, "on", "on"),
        (3, "delete", "on"),
    ]
    assert seen == [event for event in store.get_events("g", "s")]
    store.close()


@in_memory
def test_a_listener_that_waits_is_woken(store):
    """Each time, whatever it was told before."""
    seen: list[int] = []
    told = Signal()

    def note(event):
        seen.append(event.version)
        told.set()

    listener = store.on_change(note)
    for version in range(1, 4):
        store.save_state("g", "s", {"n": version})
        assert told.wait(SECONDS)
        sleep(0.01)  # it waits again
        assert seen == list(range(1, version + 1))
    listener.close()


@in_memory
def test_a_transaction_is_told_once_it_is_committed(store):
    """Each of its changes, with the time of the commit; a body that fails tells nothing."""
    seen: list[Event] = []
    listener = store.on_change(seen.append)

    def two(tx):
        tx.save_state("g", "a", {"n": 1})
        tx.save_state("g", "b", {"n": 2})

    def none(tx):
        tx.save_state("g", "c", {"n": 3})
        raise ValueError("no")

    manager = TransactionManager(store)
    manager.run(two)
    with pytest.raises(ValueError, match="no"):
        manager.run(none)
    listener.close()
    assert [(event.state_id, event.to_state) for event in seen] == [("a", {"n": 1}), ("b", {"n": 2})]
    assert [event.committed_at for event in seen] == [
        event.committed_at for state_id in "ab" for event in store.get_events("g", state_id)
    ]
    store.close()


@in_memory
def test_a_move_with_its_dependents_is_told_whole(store):
    """The reaction goes with the commit of what it reacts to, and is told behind it."""
    child = Machine("child", "idle", [Transition("go", "idle", "gone")], on_dependency={"on": "go"})
    parents = StateMachinePersister(store, LIGHT, machines=[child])
    children = StateMachinePersister(store, child, machines=[LIGHT])
    parents.start("g", "parent")
    children.start("g", "child", depends_on=["parent"])
    seen: list[Event] = []
    listener = store.on_change(seen.append)
    parents.transition("g", "parent", "on")
    listener.close()
    assert [(event.state_id, event.kind) for event in seen] == [("parent", "transition"), ("child", "reaction")]
    store.close()


@in_memory
def test_a_refused_change_tells_nothing(store):
    """Nothing was made durable."""
    seen: list[Event] = []
    listener = store.on_change(seen.append)
    with pytest.raises(StateNotFoundError):
        store.update_state("g", "s", {}, 1)
    listener.close()
    assert seen == []
    store.close()


@in_memory
def test_a_slow_listener_is_told_how_many_it_missed(store):
    """Its buffer holds the newest changes; the count comes before what is behind the gap, and nobody waits for it."""
    gate = Gate()
    told: list[tuple[int, list[int]]] = []
    listener = store.on_change(gate, on_missed=lambda count: told.append((count, list(gate.seen))), buffer=2)
    store.save_state("g", "s", {"n": 0})
    assert gate.began.wait(SECONDS)
    for number in range(1, 6):
        store.save_state("g", "s", {"n": number})
    assert listener.missed == 3
    for _ in range(3):
        gate.go_on.set()
        gate.began.wait(0.2)
    gate.go_on.set()
    assert listener.close() is True
    assert gate.seen == [1, 5, 6]
    assert told == [(3, [1])]
    store.close()


@in_memory
def test_what_a_slow_listener_missed_is_logged_where_it_does_not_ask(store, caplog):
    """A count that nobody takes is not lost."""
    gate = Gate()
    listener = store.on_change(gate, buffer=1)
    store.save_state("g", "s", {"n": 0})
    assert gate.began.wait(SECONDS)
    store.save_state("g", "s", {"n": 1})
    store.save_state("g", "s", {"n": 2})
    with caplog.at_level(logging.WARNING, "tai_state"):
        for _ in range(2):
            gate.go_on.set()
            gate.began.wait(0.2)
        gate.go_on.set()
        listener.close()
    assert "a listener is too slow: it was not told of 1 changes" in caplog.text
    store.close()


@in_memory
def test_a_failing_listener_harms_nobody(store, caplog):
    """Neither the change, nor other listeners, nor what it is told next; its error's text is not logged."""
    seen: list[int] = []
    others: list[Event] = []

    def fail(event):
        seen.append(event.version)
        raise ValueError("secret")

    failing, other = store.on_change(fail), store.on_change(others.append)
    store.save_state("g", "s", {"n": 0})
    store.save_state("g", "s", {"n": 1})
    failing.close()
    other.close()
    assert seen == [1, 2]
    assert [event.version for event in others] == [1, 2]
    assert "a listener raised ValueError" in caplog.text
    assert "secret" not in caplog.text
    store.close()


@in_memory
def test_a_listener_hears_of_the_states_that_it_asks_for(store):
    """A governor, a state, or both."""
    governor: list[Event] = []
    state: list[Event] = []
    one = store.on_change(governor.append, governor_id="g")
    two = store.on_change(state.append, governor_id="g", state_id="s")
    for governor_id, state_id in [("g", "s"), ("g", "t"), ("h", "s")]:
        store.save_state(governor_id, state_id, {})
    one.close()
    two.close()
    assert [event.state_id for event in governor] == ["s", "t"]
    assert [event.state_id for event in state] == ["s"]
    store.close()


@in_memory
def test_a_closed_listener_is_told_no_more(store):
    """Closing twice is closing once; what it was told before stays."""
    seen: list[Event] = []
    with store.on_change(seen.append) as listener:
        store.save_state("g", "s", {})
    store.save_state("g", "s", {})
    assert listener.close() is True
    assert [event.version for event in seen] == [1]
    store.close()


@in_memory
def test_each_listener_gets_a_copy_of_its_own(store):
    """What one does to the data of an event, no other sees."""
    seen: list[Event] = []

    def spoil(event):
        event.to_state["n"] = "spoiled"

    one, two = store.on_change(spoil), store.on_change(seen.append)
    store.save_state("g", "s", {"n": 1})
    one.close()
    two.close()
    assert seen[0].to_state == {"n": 1}
    assert (store.get_state("g", "s"))[0].data == {"n": 1}
    store.close()


@in_memory
def test_draining_tells_what_is_in_the_buffers(store):
    """A store that is left has told all its changes, also to one who takes his time."""
    seen: list[Event] = []

    def take_time(event):
        sleep(0.002)
        seen.append(event)

    with store:
        store.on_change(take_time)
        for number in range(20):
            store.save_state("g", "s", {"n": number})
    assert [event.version for event in seen] == list(range(1, 21))


@in_memory
def test_a_change_whose_reply_was_lost_is_told_once(place):
    """It was settled by reading, and is durable."""
    store, _ = place.faulty("fine", "reply lost")
    store.save_state("g", "s", {"n": 0})
    seen: list[Event] = []
    listener = store.on_change(seen.append)
    store.save_state("g", "s", {"n": 1})
    listener.close()
    assert [event.version for event in seen] == [2]
    store.close()


@in_memory
@pytest.mark.parametrize("options", [{"callback": 3}, {"callback": print, "on_missed": 3}])
def test_what_cannot_be_called_is_no_listener(store, options):
    """It is refused at once, not with the first change."""
    with pytest.raises(ConfigurationError, match="must be something to call, not 3"):
        store.on_change(**options)


@in_memory
def test_a_buffer_holds_one_change_at_least(store):
    """Nothing could be told through one that holds none."""
    with pytest.raises(ConfigurationError, match="buffer must be an int of at least 1, not 0"):
        store.on_change(print, buffer=0)


@in_memory
def test_a_listener_that_cannot_be_told_is_in_nobodys_way(store, monkeypatch, caplog):
    """As where no thread can be started any more, at the end of a program: the change is durable, and told as that."""

    def refuse(*_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("tai_state._sync.commits.listening.Background", refuse)
    listener = store.on_change(print)
    assert store.save_state("g", "s", {}) == 1
    assert "a listener could not be told of a change: RuntimeError" in caplog.text
    listener.close(0)
