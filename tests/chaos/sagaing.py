"""Workers that run sagas whose steps act on a second file, and that kill themselves at listed points."""

import os
import random
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tai_state import RetryPolicy, connect
from tai_state._sync.sagas.held import HeldSaga
from tai_state.errors import DeadlineExceededError, StoreUnavailableError
from tai_state.rules.commits.scheduled import Check
from tai_state.rules.records.record import StateRecord
from tai_state.rules.sagas.changes import Move
from tai_state.sagas import Saga, SagaRunner, Step, StepContext
from tai_state.testing.firestore_emulator import HOST_VARIABLE
from tests.chaos.coalesced import strike
from tests.children import end_with_parent

GOVERNOR = "torture"
NAMES = ("reserve", "pay", "pack", "ship", "thank")
PATIENT = RetryPolicy(wait_initial=0.005, wait_max=0.1, deadline=120.0)
RETRY = RetryPolicy(attempts=3, wait_initial=0.01, wait_max=0.05)
FATES = {"fail": 0.4, "stumble": 0.1}
"""How many sagas fail at some step for good, and how many fail there once."""

POINTS = [
    f"{phase}: {point}"
    for phase in ("action", "compensation")
    for point in (
        "before its begin is committed",
        "behind that",
        "in it, before the effect",
        "in it, behind the effect",
        "before its outcome is committed",
        "behind that, too",
    )
]
"""Where a worker dies."""

SCHEMA = """
CREATE TABLE effects (number INTEGER PRIMARY KEY, kind TEXT, saga TEXT, step TEXT, key TEXT, UNIQUE (kind, key));
CREATE TABLE calls (kind TEXT, saga TEXT, step TEXT, key TEXT);
CREATE TABLE kills (point TEXT PRIMARY KEY, left INTEGER);
"""


@dataclass(frozen=True, slots=True)
class Shift:
    """What a worker is told.

    Args:
        outside: The file of the effects.
        lease: In seconds.
        strikes: How likely it dies at a point that has kills left.
        host: Where the emulator is found.
    """

    url: str
    outside: Path
    name: str
    callers: int
    lease: float
    strikes: float
    seed: str
    host: str | None = None
    seconds_max: int = 900


class Outside:
    """What lies outside the store: a file of effects, each there once by its key."""

    def __init__(self, path: Path, seed: str = "", strikes: float = 0.0) -> None:
        self.path = path
        self._strikes = strikes
        self._random = random.Random(f"{seed}/{os.getpid()}")

    def make(self, kills: int) -> None:
        """Make the file; each point kills so often."""
        with closing(sqlite3.connect(self.path)) as file, file:
            file.execute("PRAGMA journal_mode=WAL")
            file.executescript(SCHEMA)
            file.executemany("INSERT INTO kills VALUES (?, ?)", [(point, kills) for point in POINTS])

    @contextmanager
    def _written(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path, timeout=60)) as file:
            file.execute("PRAGMA synchronous=NORMAL")
            file.execute("BEGIN IMMEDIATE")
            with file:
                yield file

    def call(self, kind: str, ctx: StepContext) -> None:
        """Note that a step's function runs."""
        with self._written() as file:
            file.execute("INSERT INTO calls VALUES (?, ?, ?, ?)", (kind, ctx.saga_id, ctx.step, ctx.key))

    def act(self, kind: str, ctx: StepContext) -> None:
        """Make an effect, once by its key."""
        with self._written() as file:
            row = (kind, ctx.saga_id, ctx.step, ctx.key)
            file.execute("INSERT OR IGNORE INTO effects (kind, saga, step, key) VALUES (?, ?, ?, ?)", row)

    def pass_by(self, point: str) -> None:
        """Die here, now and then, as long as there are kills left for this point."""
        if self._random.random() >= self._strikes:
            return
        with self._written() as file:
            taken = file.execute("UPDATE kills SET left = left - 1 WHERE point = ? AND left > 0", (point,)).rowcount
        if taken:
            strike()

    def rows(self, query: str) -> list[Any]:
        """Return what a query finds."""
        with closing(sqlite3.connect(self.path, timeout=60)) as file:
            return file.execute(query).fetchall()


def fate_of(seed: str, saga_id: str) -> tuple[str, str]:
    """Return how a saga ends, and at which step it fails if it does: the same, whoever runs it."""
    draw = random.Random(f"{seed}/{saga_id}")
    left, step = draw.random(), draw.choice(NAMES)
    for fate, likely in FATES.items():
        if left < likely:
            return fate, step
        left -= likely
    return "well", step


def saga_of(outside: Outside, seed: str) -> Saga:
    """Return the saga whose steps act outside."""

    def action(ctx: StepContext) -> str:
        outside.call("do", ctx)
        fate, step = fate_of(seed, ctx.saga_id)
        if step == ctx.step and (fate == "fail" or (fate == "stumble" and ctx.attempt == 1)):
            message = fate
            raise OSError(message)
        outside.pass_by("action: in it, before the effect")
        outside.act("do", ctx)
        outside.pass_by("action: in it, behind the effect")
        return ctx.step

    def compensate(ctx: StepContext) -> None:
        outside.call("undo", ctx)
        outside.pass_by("compensation: in it, before the effect")
        outside.act("undo", ctx)
        outside.pass_by("compensation: in it, behind the effect")

    return Saga("order", [Step(name, action, compensate, retry=RETRY) for name in NAMES])


def die_at_commits(outside: Outside) -> None:
    """Let this process die before and behind commits, too."""
    commit = HeldSaga.move

    def moved(self: HeldSaga, move: Move, check: Check | None = None) -> StateRecord:
        verb = move.action.split()[0]
        phase = "action" if verb in {"begin", "finish", "retry", "fail"} else "compensation"
        is_begin = verb in {"begin", "compensate"}
        outside.pass_by(f"{phase}: before its {'begin' if is_begin else 'outcome'} is committed")
        record = commit(self, move, check)
        outside.pass_by(f"{phase}: behind that" + ("" if is_begin else ", too"))
        return record

    HeldSaga.move = moved  # type: ignore[method-assign]


def work(told: Shift, life: int) -> None:
    """Run sagas until all have ended."""
    del life
    end_with_parent()
    signal.alarm(told.seconds_max)
    if told.host is not None:
        os.environ[HOST_VARIABLE] = told.host
    outside = Outside(told.outside, told.seed, told.strikes)
    die_at_commits(outside)
    with connect(told.url, actor=told.name, retry=PATIENT) as store:
        saga = saga_of(outside, told.seed)
        runner = SagaRunner(store, [saga], lease=told.lease, poll=0.2, concurrency=told.callers)
        while not _are_all_done(runner):
            # Where the store does not answer, the next look tells.
            with suppress(StoreUnavailableError, DeadlineExceededError):
                runner.run_due()


def _are_all_done(runner: SagaRunner) -> bool:
    return not any(
        next(iter(runner.list_sagas(GOVERNOR, status=status, limit=1)), None) is not None
        for status in ("running", "compensating")
    )
