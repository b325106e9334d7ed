"""Threads that flush a batch writer while it tells its callers."""

import threading

import pytest

from tai_state import MemoryStore, StateMachinePersister, TransitionRequest
from tai_state._platform.promises import Promise
from tai_state.batching import BatchWriter
from tests._sync.machines import COUNTER

REQUESTS = [TransitionRequest("g", state_id, "add", 1) for state_id in ("a", "b")]


@pytest.fixture
def writer():
    """A writer that makes two moves as soon as they are put."""
    with MemoryStore(actor="tester") as store:
        persister = StateMachinePersister(store, COUNTER)
        for request in REQUESTS:
            persister.start(request.governor_id, request.state_id, {"n": 0})
        with BatchWriter(persister, max_items=2, max_wait=60.0) as writer:
            yield writer


def test_a_flush_waits_for_those_who_are_not_told_yet(writer, monkeypatch):
    """What was made has no outcome before its future has it."""
    settle, is_told, goes_on = Promise.settle, threading.Event(), threading.Event()

    def late(promise, outcome):
        is_told.set()
        assert goes_on.wait(30)
        settle(promise, outcome)

    monkeypatch.setattr(Promise, "settle", late)
    futures = [writer.put(request) for request in REQUESTS]
    assert is_told.wait(30)
    assert writer.flush(timeout=0.01) is False
    goes_on.set()
    assert writer.flush()
    assert all(future.done() for future in futures)


def test_a_callback_that_flushes_does_not_wait_for_those_behind_it(writer):
    """They are told by its own thread."""
    told: list[bool] = []
    first = writer.put(REQUESTS[0])
    first.add_done_callback(lambda _: told.append(writer.flush(timeout=30)))
    second = writer.put(REQUESTS[1])
    assert second.result(10).version == 2
    assert told == [True]
