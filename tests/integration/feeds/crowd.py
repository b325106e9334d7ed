"""Writers and subscribers in processes of their own, which are killed and frozen; and what must hold of it."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tai_state import DeadlineExceededError, StateStore, StoreUnavailableError, connect
from tai_state.feeds import DeadLetter, Subscription

WORKER = "tests.integration.feeds.worker"
LEASE_SECONDS = 1.0


@dataclass
class Crowd:
    """What one run is: so many events of so many states by so many writers, and subscribers that have a hard time.

    Attributes:
        rest: The seconds between two looks at whom to kill or freeze, at most.
        kills, freezes: How many there were.
    """

    url: str
    folder: Path
    delivery: str
    events: int
    states: int
    writers: int
    subscribers: int
    seconds_max: float
    seed: str
    rest: float = 0.4
    kills: int = 0
    freezes: int = 0
    _running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def told(self) -> list[tuple[str, int]]:
        """Every call of a handler, in the order in which they were begun, as state and version."""
        path = self.folder / "told.log"
        lines = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
        # Who is frozen in the middle of a handler ends it late.
        lines.sort(key=lambda line: int(line[2]))
        return [(state_id, int(version)) for state_id, version, _ in lines]

    def run(self) -> None:
        """Let all of them do their work, kill and freeze subscribers meanwhile, and wait until nothing is left."""
        rng = random.Random(self.seed)
        writers = [self._start("write", str(number), str(self._share(number))) for number in range(self.writers)]
        subscribers = [self._start("subscribe") for _ in range(self.subscribers)]
        ends = time.monotonic() + self.seconds_max
        try:
            while any(writer.poll() is None for writer in writers) or not self._is_done():
                assert time.monotonic() < ends, "it takes too long"
                time.sleep(rng.uniform(0.05, self.rest))
                subscribers = [self._disturbed(one, rng) for one in subscribers]
            assert [writer.returncode for writer in writers] == [0] * self.writers
            print(f"{self.delivery}: {self.events} events, {self.kills} kills, {self.freezes} freezes")  # noqa: T201
        finally:
            for process in self._running:
                process.kill()
                process.wait()

    def _share(self, number: int) -> int:
        return self.events // self.writers + (number < self.events % self.writers)

    def _disturbed(self, one: subprocess.Popen[bytes], rng: random.Random) -> subprocess.Popen[bytes]:
        assert one.poll() is None, f"a subscriber ended by itself: {one.returncode}"
        # On a busy machine they take longer to start than they would live, and nobody would ever be told anything.
        if not begun(self.folder, one.pid).exists():
            return one
        if rng.random() < 0.15:
            one.kill()
            one.wait()
            self._running.remove(one)
            self.kills += 1
            return self._start("subscribe")
        if rng.random() < 0.05:
            # Longer than its lease: another one takes over, and then it comes back.
            one.send_signal(signal.SIGSTOP)
            time.sleep(LEASE_SECONDS * 1.5)
            one.send_signal(signal.SIGCONT)
            self.freezes += 1
        return one

    def _start(self, role: str, *more: str) -> subprocess.Popen[bytes]:
        words = [sys.executable, "-m", WORKER, self.url, str(self.folder), self.delivery, str(self.states), role, *more]
        process = subprocess.Popen(words, cwd=Path(__file__).parents[3])
        self._running.append(process)
        return process

    def _is_done(self) -> bool:
        """Whether nothing is left; where the store is too busy to say so, there is."""
        with opened(self.url, "judge") as store, suppress(StoreUnavailableError, DeadlineExceededError):
            return Subscription(store, "crowd", governor_id="g").lag().states == 0
        return False

    # What must hold

    def versions(self) -> dict[str, int]:
        """How many events each state has."""
        with opened(self.url, "judge") as store:
            return {snapshot.state_id: snapshot.version for snapshot in store.list_states("g")}

    def effects(self) -> dict[str, tuple[int, int]]:
        """How often each state had its effect, and with which version at last."""
        with opened(self.url, "judge") as store:
            return {one.state_id: (one.data["count"], one.data["last"]) for one in store.list_states("effects")}

    def first_times(self) -> dict[str, list[int]]:
        """The versions of each state in the order in which they were told for the first time."""
        found: dict[str, dict[int, None]] = defaultdict(dict)
        for state_id, version in self.told:
            found[state_id].setdefault(version, None)
        return {state_id: list(versions) for state_id, versions in found.items()}

    def twice(self) -> list[tuple[str, int]]:
        """What was told more than once."""
        told = self.told
        return sorted({place for place in told if told.count(place) > 1}) if len(told) != len(set(told)) else []

    def letters(self) -> list[DeadLetter]:
        """The dead letters."""
        with opened(self.url, "judge") as store:
            return Subscription(store, "crowd").dead_letters(limit=self.events)

    def holds_at_most_once(self) -> None:
        """None was told twice, or behind a later one; what was not told is a dead letter, or went with its process."""
        assert self.twice() == []
        assert all(versions == sorted(versions) for versions in self.first_times().values())
        letters = self.letters()
        assert {letter.code for letter in letters} <= {"not_told"}
        untold = {(letter.state_id, letter.version) for letter in letters}
        told = set(self.told)
        assert told & untold == set()
        # What a kill can lose is what was being told: eight states at a time, by each of those that were killed.
        assert len(told | untold) >= self.events - self.kills * 8


def opened(url: str, actor: str) -> StateStore:
    """Open the store, which feeds wherever it is."""
    return connect(url, actor=actor, feed=True if url.startswith("firestore:") else None)


def begun(folder: Path, pid: int) -> Path:
    """Return the file by which a subscriber says that it has started."""
    return folder / f"begun-{pid}"


def note(folder: Path, state_id: str, version: int) -> None:
    """Write down that a handler was begun, and when: one write, behind whatever others have written."""
    began = time.monotonic_ns()
    descriptor = os.open(folder / "told.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        os.write(descriptor, f"{state_id} {version} {began}\n".encode())
    finally:
        os.close(descriptor)
