# Generated from tests/_async/batching/test_batch_writer_places.py by .ci/generate_sync.py; do not edit.
"""Whose turn it is in a batch writer: places that come free, states that are busy, and makers that cannot begin."""
from functools import partial
from typing import Any

import pytest

from tai_state._sync.batching import batch_writer
from tai_state._platform.backgrounds import Background
from tai_state._platform.tasks import sleep, together
from tai_state.batching import BatchWriter
from tests._sync.batching.test_batch_writer import LONG, add, numbers, gated
from tests._sync.stores import in_memory
from tests.outcomes import outcome

__all__ = ["gated"]


@in_memory
def test_a_future_that_is_cancelled_leaves_its_place(gated):
    """Also where nothing is left to be made with it."""
    persister, _ = gated
    with BatchWriter(persister, max_wait=LONG, max_pending=2) as writer:
        for one in ("s0", "s1"):
            assert (writer.put(add(one))).cancel()

        def later():
            while not writer._outside:
                sleep(0.001)
            writer.flush()

        calls: list[Any] = [partial(writer.put, add("s2"), timeout=10), later]
        put, _ = together(calls)
        writer.flush()
        assert (outcome(put)).version == 2
    assert numbers(persister) == [0, 0, 1, 0, 0]


@in_memory
def test_a_busy_state_keeps_no_other_one_waiting(gated):
    """What is put behind a move of it is made while the state is busy."""
    persister, backend = gated
    backend.is_shut = True
    with BatchWriter(persister, max_wait=0.01) as writer:
        futures = [writer.put(add("s0"))]
        backend.until_begun(1)
        looks: list[float] = []
        take = writer._take_those_free

        def look(taken):
            looks.append(take(taken))
            return looks[-1]

        writer._take_those_free = look  # type: ignore[method-assign]  # to see that one has looked
        futures.append(writer.put(add("s0")))
        while not any(looks):
            sleep(0.001)
        futures.append(writer.put(add("s1")))
        backend.until_begun(2)
        backend.is_shut = False
    assert [(outcome(one)).version for one in futures] == [2, 3, 2]


@in_memory
def test_a_close_that_may_not_wait_leaves_what_is_under_way(gated):
    """It ends in its time, and the move is made, and told, behind it."""
    persister, backend = gated
    backend.is_shut = True
    writer = BatchWriter(persister, max_wait=0.0)
    future = writer.put(add("s0"))
    backend.until_begun(1)
    assert writer.close(timeout=0.01) is False
    assert not future.done()
    backend.is_shut = False
    assert (outcome(future)).version == 2


@in_memory
def test_a_move_that_nobody_can_make_is_not_taken(gated, monkeypatch):
    """Where no thread can be started, say: who was told so finds nothing made of it, and the next one is served."""
    persister, _ = gated
    begun = []

    def background(name, run):
        begun.append(run)
        if len(begun) == 2:
            raise RuntimeError("can't start new thread")
        return Background(name, run)

    monkeypatch.setattr(batch_writer, "Background", background)
    with BatchWriter(persister, max_wait=0.0) as writer:
        with pytest.raises(RuntimeError, match="thread"):
            writer.put(add("s0"))
        assert (outcome(writer.put(add("s1")))).version == 2
        assert len(begun) == 3
    assert numbers(persister) == [0, 1, 0, 0, 0]
