# Generated from tests/_async/batching/test_batch_writer.py by .ci/generate_sync.py; do not edit.
"""Moves that are put one by one, and made in commits of many states: each caller hears of his own."""
from functools import partial
from typing import Any

import pytest

from tai_state import (
    BackendStore,
    StateMachinePersister,
    Machine,
    MachineError,
    StateNotFoundError,
    Transition,
    TransitionNotAllowedError,
    TransitionRequest,
    VersionConflictError,
    change_context,
)
from tai_state._platform.promises import settled
from tai_state._platform.tasks import sleep, together
from tai_state._platform.waits import Signal
from tai_state.batching import BatchWriter
from tai_state.clock import Deadline
from tai_state.errors import ConfigurationError, DeadlineExceededError, StoreClosedError
from tests._sync.machines import COUNTER
from tests._sync.stores import NO_WAIT, WrappedBackend, in_memory
from tests.outcomes import outcome

STATES = [f"s{number}" for number in range(5)]
LONG = 3600.0


class GatedBackend(WrappedBackend):
    """Notes how many events each commit has; while it is shut, commits wait."""

    def __init__(self, inner):
        super().__init__(inner)
        self.sizes: list[int] = []
        self.states: list[list[str]] = []
        self.is_shut = False
        self.begun = 0

    def commit(self, writes, *, timeout):
        self.begun += 1
        while self.is_shut:
            sleep(0.001)
        self.sizes.append(sum(write.path.collection.endswith("/events") for write in writes))
        self.states.append([write.path.id for write in writes if write.path.collection.endswith("/states")])
        return super().commit(writes, timeout=timeout)

    def until_begun(self, count):
        while self.begun < count:
            sleep(0.001)


@pytest.fixture
def gated(place):
    """A persister of some states, and the backend below it."""
    backend = GatedBackend(place.store().runtime.access.backend)
    persister = StateMachinePersister(BackendStore(backend, actor="tester", retry=NO_WAIT), COUNTER)
    for state_id in STATES:
        persister.start("g", state_id, {"n": 0})
    backend.sizes.clear()
    backend.states.clear()
    backend.begun = 0
    return persister, backend


def add(state_id, number=1, **options):
    """Return the request of a move."""
    return TransitionRequest("g", state_id, "add", number, **options)


def numbers(persister):
    """Return what the states add up to."""
    return [(persister.load_state("g", one)).snapshot.data["n"] for one in STATES]


def test_moves_of_many_states_are_made_in_one_commit(gated):
    """As soon as they are so many; each caller is told his own."""
    persister, backend = gated
    with BatchWriter(persister, max_items=10, max_wait=LONG) as writer:
        futures = [writer.put(add(one, number)) for number in (1, 10) for one in STATES]
        results = [outcome(one) for one in futures]
    assert [(one.event.state_id, one.event.payload) for one in results] == [(one, n) for n in (1, 10) for one in STATES]
    assert [one.version for one in results] == [2] * 5 + [3] * 5
    assert backend.sizes == [10]
    assert numbers(persister) == [11] * 5


def test_those_of_one_state_are_one_write_of_it(gated):
    """However they came among others; each is an event of its own, and the oldest state comes first."""
    persister, backend = gated
    backend.is_shut = True
    with BatchWriter(persister, max_items=12, max_wait=LONG) as writer:
        # Both makers are under way, each with twelve of one state.
        for state_id in ("s0", "s1"):
            for _ in range(12):
                writer.put(add(state_id))
        backend.until_begun(2)
        futures = [writer.put(add(one)) for one in ("s4", "s2", "s3") * 8]
        backend.is_shut = False
        writer.flush()
        results = [outcome(one) for one in futures]
    assert [one.version for one in results] == [version for version in range(2, 10) for _ in range(3)]
    assert max(map(len, backend.states)) == 2
    assert numbers(persister) == [12, 12, 8, 8, 8]


def test_what_waits_long_enough_is_made(gated):
    """However little it is."""
    persister, _ = gated
    with BatchWriter(persister, max_wait=0.02) as writer:
        result = outcome(writer.put(add("s0")))
        assert result.version == 2


def test_a_flush_has_all_made_that_was_put(gated):
    """Whatever its age, and in as many commits as it takes; two of them may be under way at once."""
    persister, backend = gated
    with BatchWriter(persister, max_items=8, max_wait=LONG) as writer:
        futures = [writer.put(add(one)) for one in STATES * 2]
        assert writer.flush()
        assert all(one.done() for one in futures)
        assert sorted(backend.sizes) == [2, 8]
        assert writer.flush()
    assert numbers(persister) == [2] * 5


def test_a_flush_waits_for_those_of_a_busy_state(gated):
    """Though others, which were put later, are made before them."""
    persister, backend = gated
    backend.is_shut = True
    with BatchWriter(persister, max_items=2, max_wait=LONG) as writer:
        # The first two are under way; the third is of one of their states.
        futures = [writer.put(add(one)) for one in ("s0", "s1", "s0")]
        backend.until_begun(1)

        def opened():
            while not writer._asked:
                sleep(0.001)
            futures.extend([writer.put(add(one)) for one in ("s2", "s3")])
            backend.until_begun(2)
            backend.is_shut = False

        calls: list[Any] = [writer.flush, opened]
        told, _ = together(calls)
        assert told is True
        assert [one.done() for one in futures[:3]] == [True] * 3
    assert [(outcome(one)).version for one in futures] == [2, 2, 3, 2, 2]


def test_the_close_waits_for_all(gated):
    """And takes no more; a second one finds nothing left."""
    persister, _ = gated
    writer = BatchWriter(persister, max_wait=LONG)
    futures = [writer.put(add(one)) for one in STATES]
    assert writer.close()
    assert [(outcome(one)).version for one in futures] == [2] * 5
    assert writer.close()
    with pytest.raises(StoreClosedError):
        writer.put(add("s0"))


def test_what_fails_fails_alone(gated, place):
    """A refusal, a conflict with another process, a state that is not there, and a request that cannot be."""
    persister, _ = gated
    other = StateMachinePersister(place.store(), COUNTER)
    other.transition("g", "s0", "add", 100)
    asked: list[tuple[TransitionRequest, type | None]] = [
        (add("s0"), None),
        (TransitionRequest("g", "s1", "reopen"), TransitionNotAllowedError),
        (add("none"), StateNotFoundError),
        (add("s1"), None),
        (add("s2", expected_version=7), VersionConflictError),
        (TransitionRequest("g", "s3", ""), Exception),
        (add("s2"), None),
        (add("s3"), None),
    ]
    with BatchWriter(persister, max_wait=LONG) as writer:
        futures = [(writer.put(request), error) for request, error in asked]
        writer.flush()
        for future, error in futures:
            if error is None:
                assert (outcome(future)).event.action == "add"
            else:
                with pytest.raises(error):
                    outcome(future)
    assert numbers(persister) == [101, 1, 1, 1, 0]


def test_those_of_one_state_keep_their_order(gated):
    """Also where one of them goes alone."""
    persister, _ = gated
    actions = ["add", "shut", "reopen", "add", "shut"]
    with BatchWriter(persister, max_items=2, max_wait=0.01) as writer:
        futures = [writer.put(TransitionRequest("g", "s0", action, 1)) for action in actions]
        results = [outcome(one) for one in futures]
    assert [one.version for one in results] == [2, 3, 4, 5, 6]
    assert [event.action for event in persister.history("g", "s0")][1:] == actions


def test_a_key_makes_a_move_once(gated):
    """As it is put again by somebody who does not know what became of it."""
    persister, _ = gated
    with BatchWriter(persister, max_wait=0.01) as writer:
        first = outcome(writer.put(add("s0", idempotency_key="x")))
        again = outcome(writer.put(add("s0", idempotency_key="x")))
    assert (first.replayed, again.replayed) == (False, True)
    assert again.event == first.event


@in_memory
def test_who_puts_waits_while_too_many_are_pending(gated):
    """Until one of them has an outcome, or his time is over."""
    persister, backend = gated
    backend.is_shut = True
    writer = BatchWriter(persister, max_items=2, max_wait=0.0, max_pending=3)
    futures = [writer.put(add(one)) for one in STATES[:3]]
    with pytest.raises(DeadlineExceededError, match="3 pending"):
        writer.put(add("s4"), timeout=0.01)
    backend.until_begun(1)

    def later():
        while not writer._outside:
            sleep(0.001)
        backend.is_shut = False

    calls: list[Any] = [partial(writer.put, add("s4", 7)), later]
    put, _ = together(calls)
    writer.close()
    assert [(outcome(one)).version for one in [*futures, put]] == [2] * 4
    assert numbers(persister) == [1, 1, 1, 0, 7]


@in_memory
def test_many_who_wait_for_a_place_all_get_one(gated):
    """However few there are."""
    persister, _ = gated
    with BatchWriter(persister, max_items=3, max_wait=0.0, max_pending=3) as writer:

        def one(state_id) -> Any:
            return outcome(writer.put(add(state_id)))

        results = together([partial(one, state_id) for state_id in STATES * 12])
    assert sorted(result.version for result in results) == sorted([*range(2, 14)] * 5)


@in_memory
def test_who_is_called_and_gone_leaves_the_place_to_the_next_one(gated):
    """So that nobody waits for a place that is free."""
    persister, _ = gated
    with BatchWriter(persister) as writer:
        gone, following = Signal(), Signal()
        # Taken out by whoever calls him, at the moment when his time is over.
        writer._outside.append(following)
        with pytest.raises(DeadlineExceededError):
            writer._wait(gone, Deadline(persister.store.runtime.access.clock, 0.001))
        assert following.wait(10)


@in_memory
def test_who_waits_when_it_is_closed_is_told(gated):
    """Nothing of his is made."""
    persister, backend = gated
    backend.is_shut = True
    writer = BatchWriter(persister, max_items=1, max_wait=0.0, max_pending=1)
    future = writer.put(add("s0"))

    def waiting():
        with pytest.raises(StoreClosedError):
            writer.put(add("s1"), timeout=60)

    def closing():
        while not writer._outside:
            sleep(0.001)
        assert writer.close()

    def opening():
        while not writer._is_closed:
            sleep(0.001)
        backend.is_shut = False

    together([waiting, closing, opening])
    assert (outcome(future)).version == 2
    assert numbers(persister) == [1, 0, 0, 0, 0]


@in_memory
def test_a_close_that_may_not_wait_tells_what_was_not_begun(gated):
    """What is under way is made."""
    persister, backend = gated
    backend.is_shut = True
    writer = BatchWriter(persister, max_items=1, max_wait=0.0)
    first, second = writer.put(add("s0")), writer.put(add("s0"))
    backend.until_begun(1)

    def opened():
        while not second.done():
            sleep(0.001)
        backend.is_shut = False

    calls: list[Any] = [partial(writer.close, timeout=0.01), opened]
    told, _ = together(calls)
    assert told is False
    assert (outcome(first)).version == 2
    with pytest.raises(StoreClosedError):
        outcome(second)
    assert numbers(persister) == [1, 0, 0, 0, 0]


@in_memory
def test_who_waits_for_what_was_cancelled_is_told_by_a_close(gated):
    """Also where that may not wait, and nobody has come to it."""
    persister, backend = gated
    backend.is_shut = True
    writer = BatchWriter(persister, max_items=1, max_wait=0.0)
    first, gone, last = [writer.put(add("s0")) for _ in range(3)]
    backend.until_begun(1)
    assert gone.cancel()

    def opened():
        while not last.done():
            sleep(0.001)
        told = settled([gone], 10)
        backend.is_shut = False
        return told

    calls: list[Any] = [partial(writer.close, timeout=0.01), opened]
    assert together(calls) == [False, True]
    assert (outcome(first)).version == 2


@in_memory
def test_a_future_that_is_cancelled_takes_its_move_back(gated):
    """As long as it was not taken."""
    persister, _ = gated
    with BatchWriter(persister, max_wait=LONG) as writer:
        kept, gone = writer.put(add("s0")), writer.put(add("s1"))
        assert gone.cancel()
        writer.flush()
        assert (outcome(kept)).version == 2
    assert numbers(persister) == [1, 0, 0, 0, 0]


@in_memory
def test_a_move_is_signed_by_whoever_put_it(gated):
    """Not by who happened to be there when it was made."""
    persister, _ = gated
    with BatchWriter(persister, max_wait=LONG) as writer:
        with change_context(changed_by="ada", reason="because"):
            first = writer.put(add("s0"))
        second = writer.put(add("s1"))
        writer.flush()
        results = [outcome(one) for one in (first, second)]
    assert [one.event.metadata.changed_by for one in results] == ["ada", "tester"]


@in_memory
def test_what_a_machine_raises_fails_its_own_move(place):
    """With its cause."""
    odd = Machine("odd", "on", [Transition("go", "on", "on", apply=lambda data, payload: {"n": 1 // payload})])
    persister = StateMachinePersister(place.store(), odd)
    persister.start("g", "a")
    persister.start("g", "b")
    with BatchWriter(persister, max_wait=LONG) as writer:
        futures = [writer.put(TransitionRequest("g", one, "go", number)) for one, number in (("a", 0), ("b", 1))]
        writer.flush()
        with pytest.raises(MachineError) as failed:
            outcome(futures[0])
        assert (outcome(futures[1])).version == 2
    assert isinstance(failed.value.__cause__, ZeroDivisionError)


@in_memory
def test_what_cannot_be_is_refused(gated, place):
    """A persister without a machine, a number, a request."""
    persister, _ = gated
    with pytest.raises(ConfigurationError):
        BatchWriter(StateMachinePersister(place.store()))
    for options in ({"max_items": 0}, {"max_wait": -1}, {"max_pending": 0}):
        with pytest.raises(ConfigurationError):
            BatchWriter(persister, **options)
    with BatchWriter(persister) as writer:
        with pytest.raises(ConfigurationError):
            writer.put("add")  # type: ignore[arg-type]  # as a caller without a type checker would
