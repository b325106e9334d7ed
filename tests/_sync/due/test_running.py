# Generated from tests/_async/due/test_running.py by .ci/generate_sync.py; do not edit.
"""A worker that runs: woken by what its own process arms, and ended by a drain."""
from datetime import timedelta

import pytest

from tai_state import (
    BackendStore,
    MemoryStore,
    StateMachinePersister,
    TransactionManager,
    RetryPolicy,
)
from tai_state._platform.backgrounds import Background
from tai_state._platform.tasks import sleep
from tai_state.due import DueWorker
from tests._sync.due.timed import SERVER, status_of
from tests._sync.stores import UnreachableBackend

SOON = timedelta(milliseconds=50)
WAIT_SECONDS = 20.0


@pytest.fixture
def server():
    """A persister, and a state in ``boot``."""
    persister = StateMachinePersister(MemoryStore(), SERVER)
    persister.start("g", "s", {"n": 0})
    return persister


def until(persister, status):
    """Wait until the state has reached *status*."""
    for _ in range(int(WAIT_SECONDS / 0.01)):
        if status_of(persister) == status:
            return
        sleep(0.01)
    pytest.fail(f"it is not {status} yet")


def test_it_is_woken_by_what_its_process_arms(server):
    """By a change of a state and by a transaction, long before its next look; a drain ends it."""
    worker = DueWorker(server, poll=3600)
    running = Background("worker", worker.run)
    sleep(0.05)
    server.schedule("g", "s", "fail", after=SOON)
    until(server, "failed")

    def body(tx):
        tx.transition(server, "g", "s", "retry")

    TransactionManager(server.store).run(body)
    server.schedule("g", "s", "run", after=SOON)
    until(server, "running")
    assert worker.drain()
    assert running.join(WAIT_SECONDS)
    assert server.store.runtime.writer.listeners == []


def test_it_does_what_others_arm_within_a_poll(server):
    """Of which nobody tells it."""
    other = StateMachinePersister(BackendStore(server.store.runtime.access.backend), SERVER)
    worker = DueWorker(server, poll=0.1)
    running = Background("worker", worker.run)
    other.schedule("g", "s", "fail", after=SOON)
    until(server, "failed")
    assert worker.drain()
    assert running.join(WAIT_SECONDS)


def test_a_store_that_is_drained_ends_it(server):
    """In order, with all else of the store."""
    worker = DueWorker(server, poll=3600)
    running = Background("worker", worker.run)
    sleep(0.05)
    assert server.store.drain()
    assert running.join(WAIT_SECONDS)


def test_it_goes_on_when_the_store_answers_again(server):
    """What is due was due all the time."""
    backend = UnreachableBackend(server.store.runtime.access.backend)
    store = BackendStore(backend, retry=RetryPolicy(attempts=1))
    worker = DueWorker(StateMachinePersister(store, SERVER), poll=0.05)
    running = Background("worker", worker.run)
    sleep(0.1)
    backend.is_cut = True
    server.schedule("g", "s", "fail", after=SOON)
    sleep(0.3)
    backend.is_cut = False
    until(server, "failed")
    assert worker.drain()
    assert running.join(WAIT_SECONDS)
