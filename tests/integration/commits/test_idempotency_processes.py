"""One key is one move, whatever process asks: one that was killed and its successor, or two that race."""

import os
import signal

import pytest

from tai_state import StateMachinePersister, connect
from tai_state.testing.firestore_emulator import HOST_VARIABLE
from tests._sync.machines import COUNTER
from tests.chaos.caller import Order, call
from tests.chaos.crew import PROCESSES, Life
from tests.chaos.faults import Fault, Plan
from tests.chaos.proxy import Client, Proxy
from tests.chaos.worker import AFTER_COMMIT

SECONDS_MAX = 60.0
KEYS = 25


@pytest.fixture
def persister(url):
    """A persister in the place, with a state in it."""
    with connect(url, actor="tester") as store:
        persister = StateMachinePersister(store, COUNTER)
        persister.start("g", "s", {"n": 0})
        yield persister


class Calls:
    """Processes that make moves in the place; all end with the test."""

    def __init__(self, url, folder):
        self._url = url
        self._folder = folder
        self.lives = []

    def start(self, moves, *, life=None, host=None, dooms=None, barrier=None):
        """Start one; return it and where its replies come from."""
        life = life or Life()
        self.lives.append(life)
        replies, sender = PROCESSES.Pipe(duplex=False)
        # What this process finds in its environment, those forked earlier do not.
        host = host or os.environ.get(HOST_VARIABLE)
        life.start(call, Order(self._url, self._folder, moves, host, dooms or {}), barrier, sender)
        sender.close()
        return life, replies

    def result(self, moves):
        """Let one process make the moves, and return its replies."""
        life, replies = self.start(moves)
        assert life.wait(SECONDS_MAX) == 0
        return [replies.recv() for _ in moves]


@pytest.fixture
def calls(url, tmp_path):
    """What starts callers."""
    calls = Calls(url, tmp_path)
    yield calls
    for life in calls.lives:
        life.end()


@pytest.fixture
def proxy(url, request):
    """What stands before the emulator; before no other store does anything."""
    if not url.startswith("firestore"):
        yield None
        return
    with Proxy(request.getfixturevalue("tai_state_emulator_server").host) as proxy:
        yield proxy


@pytest.fixture
def killed_behind_its_commit(calls, proxy):
    """What starts a caller that is killed when its commit has succeeded, before it hears of that."""

    def start(moves):
        if proxy is None:
            return calls.start(moves, dooms={AFTER_COMMIT: 1.0})
        life = Life()
        return calls.start(moves, life=life, host=proxy.listen(Client(Plan("", [Fault.KILL_AFTER]), lambda: life)))

    return start


def test_a_move_whose_process_was_killed_behind_the_commit_is_not_made_again(
    persister, calls, killed_behind_its_commit
):
    """The next process, with the same key, is told that it is made already, and there is one event of it."""
    life, replies = killed_behind_its_commit([("k", 5)])
    assert life.wait(SECONDS_MAX) == -signal.SIGKILL
    with pytest.raises(EOFError):
        replies.recv()
    (event,) = list(persister.history("g", "s"))[1:]
    assert event.idempotency_key == "k"
    assert calls.result([("k", 5)]) == [(2, event.transition_id, True)]
    assert [one.transition_id for one in persister.history("g", "s")][1:] == [event.transition_id]


def test_the_key_of_a_killed_process_is_refused_for_another_request(persister, calls, killed_behind_its_commit):
    """Another amount under the same key is a mismatch, and nothing is written."""
    life, _ = killed_behind_its_commit([("k", 5)])
    assert life.wait(SECONDS_MAX) == -signal.SIGKILL
    assert calls.result([("k", 6)]) == ["idempotency_mismatch"]
    assert [event.payload for event in persister.history("g", "s")][1:] == [5]


def test_two_processes_that_race_with_one_key_make_one_event_and_both_get_it(persister, calls):
    """Each time one of the two makes the move, and the other one is told of the same event."""
    moves = [(f"k{number}", number) for number in range(1, KEYS + 1)]
    barrier = PROCESSES.Barrier(2)
    racers = [calls.start(moves, barrier=barrier) for _ in range(2)]
    assert [life.wait(SECONDS_MAX) for life, _ in racers] == [0, 0]
    told = [[replies.recv() for _ in moves] for _, replies in racers]
    events = list(persister.history("g", "s"))[1:]
    assert [event.idempotency_key for event in events] == [key for key, _ in moves]
    for event, one, other in zip(events, *told, strict=True):
        assert one[:2] == other[:2] == (event.version, event.transition_id)
        assert sorted([one[2], other[2]]) == [False, True]
