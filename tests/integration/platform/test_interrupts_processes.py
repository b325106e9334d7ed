"""Real signals in real processes, aimed at a commit: the outcome is settled, and nobody holds the lock afterwards."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tai_state import LockManager, StateMachinePersister, connect
from tests._sync.machines import COUNTER

WORKER = Path(__file__).with_name("interrupt_worker.py")
ROOT = Path(__file__).parents[3]
TIMEOUT = 100.0
EXIT_CODES = {"INT": -signal.SIGINT, "TERM": 128 + signal.SIGTERM}


@pytest.fixture
def url(kind, request, tmp_path):
    """The URL of a place where the state is, at version 1."""
    if kind == "sqlite":
        url = f"sqlite:///{tmp_path / 'store.db'}"
    else:
        url = f"firestore://{request.getfixturevalue('tai_state_project')}"
    with connect(url, actor="tester") as store:
        StateMachinePersister(store, COUNTER).start("g", "s")
    return url


@dataclass(frozen=True)
class Ended:
    code: int
    said: list[str]
    complained: str


def run(url: str, *arguments: str) -> Ended:
    done = subprocess.run(
        [sys.executable, str(WORKER), url, *arguments],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    return Ended(done.returncode, done.stdout.splitlines(), done.stderr)


def check_settled(url: str, *, moved: bool = True) -> None:
    """Check that the move is there once, or not at all, and that its lock is free well before its ttl."""
    with connect(url, actor="tester") as store:
        LockManager(store).acquire("r", owner="next", timeout=0).release()
        persister = StateMachinePersister(store, COUNTER)
        assert store.get_state("g", "s")[1] == 1 + moved
        again = persister.transition("g", "s", "add", 1, idempotency_key="k")
        assert (again.version, again.replayed) == (2, moved)
        assert [event.version for event in persister.history("g", "s")] == [1, 2]
        assert persister.validate_consistency("g").is_consistent


@pytest.mark.parametrize(("point", "name"), [("before", "INT"), ("within", "TERM"), ("behind", "INT")])
@pytest.mark.parametrize("colour", ["sync", "async"])
@pytest.mark.parametrize("kind", ["sqlite"])
def test_a_signal_at_a_commit_comes_behind_its_outcome(url, colour, point, name):
    """Once it was begun it is made; the process ends as it would without us, and its lock is free."""
    ended = run(url, colour, name, point)
    assert ended.code == EXIT_CODES[name], ended.complained
    check_settled(url)


@pytest.mark.emulator
@pytest.mark.parametrize(
    ("colour", "point", "name"), [("sync", "within", "TERM"), ("sync", "behind", "INT"), ("async", "within", "INT")]
)
@pytest.mark.parametrize("kind", ["firestore"])
def test_a_signal_at_a_commit_on_firestore_comes_behind_its_outcome(url, colour, point, name):
    """There the commit waits for the network."""
    ended = run(url, colour, name, point)
    assert ended.code == EXIT_CODES[name], ended.complained
    check_settled(url)


@pytest.mark.parametrize("colour", ["sync", "async"])
@pytest.mark.parametrize("kind", ["sqlite"])
def test_a_signal_in_a_read_is_let_in_at_once(url, colour):
    """Nothing was begun, so nothing is made."""
    ended = run(url, colour, "INT", "read")
    assert (ended.code, ended.said) == (-signal.SIGINT, []), ended.complained
    check_settled(url, moved=False)


@pytest.mark.parametrize(
    ("kind", "point"),
    [
        ("sqlite", "read"),
        ("sqlite", "within"),
        ("sqlite", "acknowledged"),
        pytest.param("firestore", "read", marks=pytest.mark.emulator),
    ],
)
def test_a_handler_may_drain_wherever_it_is_called(url, point):
    """It does not wait for the call that it interrupts; what was acknowledged is there, and the lock is free."""
    ended = run(url, "sync", "TERM", point, "drain")
    assert (ended.code, ended.said[-1:]) == (0, ["drained True"]), ended.complained
    check_settled(url, moved=point != "read")


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("firestore", marks=pytest.mark.emulator)])
def test_a_process_that_sigterm_kills_has_lost_nothing_that_it_acknowledged(url):
    """Without a handler it dies at once; only its lock is left to its ttl."""
    ended = run(url, "sync", "TERM", "acknowledged", "default")
    assert (ended.code, ended.said) == (-signal.SIGTERM, ["acknowledged 2"]), ended.complained
    with connect(url) as store:
        again = StateMachinePersister(store, COUNTER).transition("g", "s", "add", 1, idempotency_key="k")
        assert (again.version, again.replayed) == (2, True)
