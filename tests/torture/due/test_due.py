"""Due moves for minutes, on every backend that processes share: each once, none early, whoever dies."""

import os
import random
import signal
import subprocess
import sys
import time
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from tai_state import StateMachinePersister, connect
from tests.torture.due import due_worker

ROOT = Path(__file__).parents[3]
WORKERS = 10
STATES = 200
SECONDS_MAX = 600.0
SEED = os.environ.get("TORTURE_SEED", "due")


@pytest.fixture(params=["sqlite", pytest.param("firestore", marks=pytest.mark.emulator)])
def url(request):
    """The URL of an empty place that several processes share."""
    if request.param == "sqlite":
        return f"sqlite:///{request.getfixturevalue('tmp_path') / 'store.db'}"
    return f"firestore://{request.getfixturevalue('tai_state_project')}"


class Crew:
    """Ten processes, of which one dies or is frozen every now and then; their clocks are up to ten minutes apart."""

    def __init__(self, url, rng):
        self.url, self.rng = url, rng
        self.kills = self.freezes = 0
        self.running = [self._start(number) for number in range(WORKERS)]

    def _start(self, number):
        skew = (-300.0, 0.0, 300.0)[number % 3]
        command = [sys.executable, "-m", "tests.torture.due.due_worker", self.url, str(skew)]
        return subprocess.Popen(command, stdin=subprocess.PIPE, cwd=ROOT)

    def trouble(self):
        """Kill one, or freeze one for as long as a poll and more."""
        number = self.rng.randrange(WORKERS)
        victim = self.running[number]
        if self.rng.random() < 0.4:
            victim.kill()
            victim.wait()
            assert victim.stdin is not None
            victim.stdin.close()
            self.running[number] = self._start(number)
            self.kills += 1
        else:
            victim.send_signal(signal.SIGSTOP)
            time.sleep(self.rng.uniform(0.2, 1.5))
            victim.send_signal(signal.SIGCONT)
            self.freezes += 1

    def end(self):
        """Let all of them end in order."""
        for one in self.running:
            assert one.stdin is not None
            one.stdin.close()
        return [one.wait(60) for one in self.running]


@pytest.mark.torture
@pytest.mark.timeout(900)
def test_each_due_move_is_made_once_and_none_is_early(url, tell):
    """A thousand moves of two hundred states by ten workers that are killed and frozen, their clocks minutes apart."""
    rng, began = random.Random(SEED), time.monotonic()
    with connect(url, actor="parent") as store:
        persister = StateMachinePersister(store, due_worker.RELAY)
        for number in range(STATES):
            persister.start(f"g{number % 4}", f"r{number}", {})
        crew = Crew(url, rng)
        try:
            while store.count(status=f"s{due_worker.MOVES}") < STATES:
                assert time.monotonic() < began + SECONDS_MAX, "the moves that are due are not made"
                time.sleep(rng.uniform(0.05, 0.3))
                crew.trouble()
        finally:
            ended = crew.end()
        late = judged(persister)
        tell(
            f"due on {url.partition(':')[0]}: {STATES * due_worker.MOVES} moves, "
            f"{crew.kills} kills, {crew.freezes} freezes, "
            f"late {sorted(late)[len(late) // 2]:.3f} s in the middle and {max(late):.3f} s at most, "
            f"{time.monotonic() - began:.0f} s"
        )
        assert ended == [0] * WORKERS
        assert crew.kills + crew.freezes >= 10
        for number in range(4):
            assert persister.validate_consistency(f"g{number}").is_consistent


def judged(persister):
    """Return how late each move was, in seconds; each is there once, and none is early by the store's clock."""
    late = []
    for number in range(STATES):
        events = list(persister.history(f"g{number % 4}", f"r{number}"))
        assert [event.to_status for event in events] == [f"s{version}" for version in range(due_worker.MOVES + 1)]
        assert {event.kind for event in events[1:]} == {"transition"}
        for before, event in pairwise(events):
            waited = event.committed_at - before.committed_at - due_worker.AFTER[before.to_status]
            assert waited >= timedelta(0), (number, event.version, waited)
            late.append(waited.total_seconds())
    return late
