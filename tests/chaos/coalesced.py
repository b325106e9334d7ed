"""Callers of one process who want the same state, and go with each other's commits; the process may be killed then."""

import asyncio
import os
import random
import signal
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tai_state import (
    AsyncStateMachinePersister,
    Machine,
    RetryPolicy,
    StateMachinePersister,
    Transition,
    async_connect,
    connect,
)
from tai_state.documents import CommitResult, Put, Write
from tai_state.testing.firestore_emulator import HOST_VARIABLE
from tests.children import end_with_parent

GOVERNOR, STATE = "g", "hot"
COUNTER = Machine("counter", "on", [Transition("add", "on", "on", apply=lambda data, by: {"n": data["n"] + by})])
PATIENT = RetryPolicy(wait_initial=0.005, wait_max=0.1, deadline=120.0)
COMMIT_SECONDS = 0.004
"""About how long a commit takes: within it, a kill meets it under way."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a worker is told.

    Args:
        share: How many moves each caller makes.
        keys: Whether they are made under idempotency keys.
        doom: How often the worker kills itself around a commit that makes several changes.
        host: Where the emulator is found.
    """

    url: str
    folder: Path
    name: str
    callers: int
    share: int
    doom: float
    seed: str
    keys: bool = True
    is_async: bool = False
    host: str | None = None
    seconds_max: int = 600


class Journal:
    """The moves of one caller that were acknowledged, with the versions that they made: a line each, written at once.

    What is told of a life that was killed goes on.
    """

    def __init__(self, work: Work, caller: int) -> None:
        """Go on behind the last line."""
        self.prefix = f"{work.name}/{caller}"
        self._path = work.folder / f"{work.name}.{caller}.journal"
        self.versions = read_versions(self._path)
        self._file = self._path.open("a", encoding="utf-8")

    def add(self, version: int) -> None:
        """Note that the next move made *version*."""
        self.versions.append(version)
        self._file.write(f"{version}\n")
        self._file.flush()


def read_versions(path: Path) -> list[int]:
    """Return what a journal says; nothing of a line that is not whole."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return [int(line) for line in text[: text.rfind("\n") + 1].splitlines()]


def acknowledged(work: Work) -> dict[str, int]:
    """Return the version of each move that was acknowledged, by its key."""
    return {
        f"{work.name}/{caller}/{number}": version
        for caller in range(work.callers)
        for number, version in enumerate(read_versions(work.folder / f"{work.name}.{caller}.journal"))
    }


class Doom:
    """Ends its process before, within or behind a commit that makes several changes, and notes each such commit."""

    def __init__(self, work: Work, life: int) -> None:
        """Strike in this *life*, at other moments than in the one before."""
        self._rate = work.doom
        self._rng = random.Random(f"{work.seed}/{work.name}/{life}")
        self._notes = (work.folder / f"{work.name}.{life}.notes").open("a", encoding="utf-8")

    def before(self, writes: Sequence[Write]) -> bool:
        """Perhaps strike before it is sent, or set the time of a strike; return whether to strike behind it."""
        changes = sum(isinstance(one, Put) and one.path.collection.endswith("/events") for one in writes)
        if changes < 2:
            return False
        self._note(f"{changes}")
        if self._rng.random() >= self._rate:
            return False
        moment = self._rng.choice(["before", "within", "behind"])
        self._note(moment)
        if moment == "before":
            strike()
        elif moment == "within":
            threading.Timer(self._rng.uniform(0.0, COMMIT_SECONDS), strike).start()
        return moment == "behind"

    def _note(self, what: str) -> None:
        self._notes.write(f"{what}\n")
        self._notes.flush()


def strike() -> None:
    """Kill this process."""
    os.kill(os.getpid(), signal.SIGKILL)


def work(told: Work, life: int) -> None:
    """Make the moves that are left."""
    end_with_parent()
    signal.alarm(told.seconds_max)
    if told.host is not None:
        os.environ[HOST_VARIABLE] = told.host
    if told.is_async:
        asyncio.run(_work_async(told, life))
    else:
        _work_sync(told, life)


def _work_sync(told: Work, life: int) -> None:
    doom = Doom(told, life)
    with connect(told.url, actor=told.name, retry=PATIENT) as store:
        persister = StateMachinePersister(store, COUNTER)
        backend = store.runtime.access.backend
        commit = backend.commit

        def committed(writes: Sequence[Write], *, timeout: float) -> CommitResult:
            strikes = doom.before(writes)
            result = commit(writes, timeout=timeout)
            if strikes:
                strike()
            return result

        backend.commit = committed  # type: ignore[method-assign]

        def call(caller: int) -> None:
            journal = Journal(told, caller)
            for number in range(len(journal.versions), told.share):
                key = f"{journal.prefix}/{number}" if told.keys else None
                journal.add(persister.transition(GOVERNOR, STATE, "add", 1, idempotency_key=key).version)

        threads = [threading.Thread(target=call, args=(caller,)) for caller in range(told.callers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


async def _work_async(told: Work, life: int) -> None:
    doom = Doom(told, life)
    async with async_connect(told.url, actor=told.name, retry=PATIENT) as store:
        persister = AsyncStateMachinePersister(store, COUNTER)
        backend = store.runtime.access.backend
        commit = backend.commit

        async def committed(writes: Sequence[Write], *, timeout: float) -> CommitResult:
            strikes = doom.before(writes)
            result = await commit(writes, timeout=timeout)
            if strikes:
                strike()
            return result

        backend.commit = committed  # type: ignore[method-assign]

        async def call(caller: int) -> None:
            journal = Journal(told, caller)
            for number in range(len(journal.versions), told.share):
                key = f"{journal.prefix}/{number}" if told.keys else None
                made = await persister.transition(GOVERNOR, STATE, "add", 1, idempotency_key=key)
                journal.add(made.version)

        await asyncio.gather(*(call(caller) for caller in range(told.callers)))
