# Generated from tests/_async/due/test_looks.py by .ci/generate_sync.py; do not edit.
"""One look makes all moves that are due, whatever else there is; and nothing of one state holds up the others."""
from contextlib import suppress
from datetime import timedelta

import pytest

from tai_state import (
    BackendStore,
    MemoryStore,
    StateMachinePersister,
    DocumentTooLargeError,
    Machine,
    StoreError,
    Transition,
)
from tai_state._platform.backgrounds import Background
from tai_state._platform.tasks import sleep
from tai_state.due import DueWorker, Timeout
from tai_state.testing import ManualClock
from tests._sync.due.timed import SERVER, kinds_of, status_of
from tests._sync.stores import CountingBackend, WrappedBackend

STATES = 10
SOON = timedelta(seconds=32)


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def memory(clock):
    """A store in memory whose clock stands still."""
    return MemoryStore(clock=clock, actor="tester")


@pytest.fixture
def server(memory):
    """A persister, and some states in ``boot``."""
    persister = StateMachinePersister(memory, SERVER)
    for number in range(STATES):
        persister.start("g", f"s{number}", {})
    return persister


def test_what_another_machine_has_due_soon_ends_no_look(memory, clock, server):
    """Each key is looked at to its own end."""
    other = Machine("other", "a", [Transition("go", "a", "b")], timeouts={"a": Timeout(SOON, "go")})
    StateMachinePersister(memory, other).start("g", "o", {})
    both = StateMachinePersister(memory, other, machines=[SERVER])
    clock.advance(31)
    assert DueWorker(both, batch=4).run_once() == STATES


def test_a_move_that_is_put_off_ends_no_look(server, clock):
    """It is due again soon, and what is behind it is due now."""
    server.start("g", "a", {})
    server.schedule("g", "a", "break", after=timedelta(seconds=1))
    clock.advance(31)
    assert DueWorker(server, batch=4).run_once() == STATES


def test_what_a_move_arms_ends_no_look(memory, clock):
    """A worker that runs hears of it: of each move that is made, with most machines."""
    moves = [Transition("go", "boot", "next"), Transition("back", "next", "boot")]
    timeouts = {"boot": Timeout(timedelta(seconds=30), "go"), "next": Timeout(timedelta(minutes=5), "back")}
    persister = StateMachinePersister(memory, Machine("ring", "boot", moves, timeouts=timeouts))
    for number in range(STATES):
        persister.start("g", f"s{number}", {})
    clock.advance(31)
    worker = DueWorker(persister, poll=3600, batch=4)
    running = Background("worker", worker.run)
    for _ in range(500):
        if [status_of(persister, f"s{number}") for number in range(STATES)] == ["next"] * STATES:
            break
        sleep(0.01)
    else:
        pytest.fail("some are left")
    assert worker.drain()
    assert running.join(20.0)


def test_what_is_armed_for_later_is_no_reason_to_look():
    """A process that arms all the time costs as few queries as an idle one."""
    backend = CountingBackend(MemoryStore().runtime.access.backend)
    persister = StateMachinePersister(BackendStore(backend, actor="tester"), SERVER)
    worker = DueWorker(persister, poll=3600)
    running = Background("worker", worker.run)
    persister.start("g", "first", {})
    for number in range(20):
        persister.start("g", f"s{number}", {})
        sleep(0.005)
    # One that is due now is still seen at once, so it was awake.
    persister.schedule("g", "s3", "fail", after=timedelta(0))
    for _ in range(500):
        if status_of(persister, "s3") == "failed":
            break
        sleep(0.01)
    else:
        pytest.fail("it sleeps")
    assert worker.drain()
    assert running.join(20.0)
    assert backend.taken().count("query") <= 4


class Stubborn(WrappedBackend):
    """Refuses to write below some paths, for good."""

    refused = "governors/g/states/s3"
    error: Exception = StoreError("too many index entries")

    def commit(self, writes, *, timeout):
        if any(str(write.path).startswith(self.refused) for write in writes):
            raise self.error
        return super().commit(writes, timeout=timeout)


@pytest.mark.parametrize("batch", [1, 100])
def test_a_state_that_the_engine_refuses_holds_up_no_other(memory, clock, server, batch):
    """It is its own trouble, not the store's; it is stepped past, and comes again."""
    stubborn = Stubborn(memory.runtime.access.backend)
    worker = DueWorker(StateMachinePersister(BackendStore(stubborn, clock=clock), SERVER), batch=batch)
    clock.advance(31)
    for _ in range(3):
        # Where nothing else was tried beside it, it is told as the store's.
        with suppress(StoreError):
            worker.run_once()
    statuses = [status_of(server, f"s{number}") for number in range(STATES)]
    assert statuses == ["boot" if number == 3 else "failed" for number in range(STATES)]
    stubborn.refused = "nothing"
    clock.advance(600)
    assert worker.run_once() == 1


def test_a_state_too_large_for_any_event_holds_up_no_other(memory, clock, server):
    """It cannot even be recorded as refused: an event holds the data before and behind it."""
    stubborn = Stubborn(memory.runtime.access.backend)
    stubborn.refused, stubborn.error = (
        "governors/g/events/s3@",
        DocumentTooLargeError(2_000_000, 1_048_576, "the event"),
    )
    worker = DueWorker(StateMachinePersister(BackendStore(stubborn, clock=clock), SERVER))
    clock.advance(31)
    made = 0
    for _ in range(7):
        made += worker.run_once()
        clock.advance(400)
    assert made == STATES - 1
    assert kinds_of(server, "s3") == [("start", "start")]
