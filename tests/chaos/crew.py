"""Workers in processes of their own: started, frozen, killed, and begun anew until all their work is done."""

import multiprocessing
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.chaos.worker import work

PAUSE_SECONDS = 0.01
FREEZE_SECONDS = (0.2, 2.5)

# Forked from a process that has imported what workers need and opened nothing: a new life costs milliseconds.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(
    [
        "tests.chaos.worker",
        "tai_state._sync.backends.firestore",
        "tai_state._async.backends.firestore",
        "google.cloud.firestore",
    ]
)


class Life:
    """A process that others aim at."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._process: Any = None
        # The proxy aims from another thread, and asking a process twice at once for its end is not safe.
        self._lock = threading.Lock()

    def start(self, target: Callable[..., None], *args: object) -> None:
        """Run *target* in the process."""
        with self._lock:
            self._process = PROCESSES.Process(target=target, args=args, daemon=True)
            self._process.start()

    def poll(self) -> int | None:
        """Return how the process has ended; None while it runs."""
        with self._lock:
            code = None if self._process is None else self._process.exitcode
            return None if code is None else int(code)

    def wait(self, seconds_max: float) -> int | None:
        """Return how the process has ended, once it has."""
        ends = time.monotonic() + seconds_max
        while self.poll() is None and time.monotonic() < ends:
            time.sleep(PAUSE_SECONDS)
        return self.poll()

    def kill(self) -> bool:
        """Kill the process with SIGKILL; return whether it was alive."""
        return self._send(signal.SIGKILL)

    def freeze(self) -> bool:
        """Stop it with SIGSTOP; return whether it was alive."""
        return self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._send(signal.SIGCONT)

    def _send(self, number: signal.Signals) -> bool:
        with self._lock:
            if self._process is None or self._process.exitcode is not None:
                return False
            try:
                os.kill(self._process.pid, number)
            except ProcessLookupError:
                # It has ended since, and whoever forked it has not told yet.
                return False
            return True

    def end(self) -> None:
        """End the process, whatever it does."""
        if self._process is not None:
            self.kill()
            self._process.join()


class Member:
    """One worker, whose process may be killed at any instant; its next life goes on with the work."""

    def __init__(self, name: str, told: Any, target: Callable[..., None] = work) -> None:
        """Start nothing yet.

        Args:
            told: What each life is told; before the number of the life.
            target: What each life runs, and ends with once all is done.
        """
        self.name = name
        self.told = told
        self.target = target
        self.lives = 0
        self.life = Life()

    def begin(self) -> None:
        """Begin a new life."""
        self.life = Life()
        self.life.start(self.target, self.told, self.lives)
        self.lives += 1


@dataclass(slots=True)
class Figures:
    """What a crew went through; each kill was seen as an exit by SIGKILL."""

    kills: int = 0
    freezes: int = 0
    seconds: float = 0.0


class Crew:
    """Runs members to the end of their work, and disturbs them at random, if it is told to."""

    def __init__(
        self, members: Sequence[Member], *, seed: str, kills_per_second: float = 0.0, freezes_per_second: float = 0.0
    ) -> None:
        """Prepare; the rates are those of random kills and freezes, beside what others aim at the members."""
        self._members = members
        self._rng = random.Random(f"{seed}/crew")
        self._kill_rate = kills_per_second * PAUSE_SECONDS
        self._freeze_rate = freezes_per_second * PAUSE_SECONDS
        self._thaws: dict[Life, float] = {}
        self.figures = Figures()

    def run(self, *, seconds_max: float) -> Figures:
        """Let everybody work until all is done.

        Raises:
            AssertionError: It takes more than *seconds_max*, or a worker ends otherwise than by SIGKILL or well.
        """
        began = time.monotonic()
        working = list(self._members)
        try:
            for member in working:
                member.begin()
            while working:
                assert time.monotonic() - began < seconds_max, f"{len(working)} workers never end"
                time.sleep(PAUSE_SECONDS)
                working = [member for member in working if not self._is_done(member)]
                self._disturb(working)
        finally:
            for member in self._members:
                member.life.end()
        self.figures.seconds = time.monotonic() - began
        return self.figures

    def _is_done(self, member: Member) -> bool:
        code = member.life.poll()
        if code == -signal.SIGKILL:
            self.figures.kills += 1
            self._thaws.pop(member.life, None)
            member.begin()
            return False
        assert code in {0, None}, f"worker {member.name} ended with {code} in life {member.lives}"
        return code == 0

    def _disturb(self, working: Sequence[Member]) -> None:
        now = time.monotonic()
        for life, end in list(self._thaws.items()):
            if end <= now:
                del self._thaws[life]
                life.thaw()
        if not working:
            return
        lot, life = self._rng.random(), self._rng.choice(working).life
        if lot < self._kill_rate:
            life.kill()
        elif lot < self._kill_rate + self._freeze_rate and life not in self._thaws and life.freeze():
            self.figures.freezes += 1
            self._thaws[life] = now + self._rng.uniform(*FREEZE_SECONDS)
