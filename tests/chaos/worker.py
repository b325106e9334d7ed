"""One client in a process of its own, which may be killed at any instant and begun anew."""

import ctypes
import os
import random
import signal
import sqlite3
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from tai_state import BackendStore, connect
from tai_state.testing.firestore_emulator import HOST_VARIABLE
from tai_state.testing.linearizability import Move, Operation, Read
from tai_state.testing.recorder import Recorder, recorded
from tests._sync.stores import WrappedBackend
from tests.chaos.clients import RETRY, Client, Durable, Naive
from tests.chaos.steps import Kind, Step, number_of, step

_PR_SET_PDEATHSIG = 1

BEFORE_COMMIT = "kill between write and commit"
AFTER_COMMIT = "kill after commit"


@dataclass(frozen=True, slots=True)
class Work:
    """What a worker is told.

    Args:
        keys: Whether moves are made under idempotency keys.
        naive: Whether to drive the official client in the usual loop, rather than tai_state.
        host: Where the emulator is found.
        seconds_max: After so long the worker ends itself with SIGALRM.
        dooms: How often the worker kills itself at each of its two moments around a SQLite commit.
    """

    url: str
    folder: Path
    seed: str
    client: str
    share: int
    host: str | None = None
    keys: bool = True
    naive: bool = False
    seconds_max: int = 600
    dooms: Mapping[str, float] = field(default_factory=dict)


def journals(folder: Path, client: str = "*") -> list[Path]:
    """Return the files that the lives of *client* have left, oldest first."""
    return sorted(folder.glob(f"{client}.*.jsonl"))


def history(folder: Path, client: str) -> list[Operation]:
    """Return every call that the lives of *client* have noted."""
    found: list[Operation] = []
    for path in journals(folder, client):
        with path.open(encoding="utf-8") as lines:
            found += recorded(client, lines)
    return found


class Notes:
    """Counts for the judge, a line each, flushed at once."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")

    def __call__(self, what: str) -> None:
        self._file.write(f"{what}\n")
        self._file.flush()


class Doom(WrappedBackend):
    """Kills its own process between write and commit, and between commit and acknowledgement."""

    def __init__(self, inner: Any, rates: Mapping[str, float], notes: Notes) -> None:
        super().__init__(inner)
        self._rates = rates
        self._notes = notes
        # Not seeded: a life that begins anew must not die at the same place for ever.
        self._rng = random.SystemRandom()
        self._is_writing = False

    def watch_connections(self) -> None:
        """See each statement before it is run, on every connection to come."""
        opened = sqlite3.connect

        def connected(*args: Any, **options: Any) -> sqlite3.Connection:
            connection: sqlite3.Connection = opened(*args, **options)
            connection.set_trace_callback(self._see)
            return connection

        mock.patch("sqlite3.connect", connected).start()

    def commit(self, writes: Any, *, timeout: float) -> Any:
        result = super().commit(writes, timeout=timeout)
        self._perhaps(AFTER_COMMIT)
        return result

    def _see(self, statement: str) -> None:
        if statement == "BEGIN IMMEDIATE":
            self._is_writing = True
        elif statement == "COMMIT" and self._is_writing:
            self._is_writing = False
            self._perhaps(BEFORE_COMMIT)

    def _perhaps(self, moment: str) -> None:
        if self._rng.random() < self._rates.get(moment, 0.0):
            self._notes(moment)
            os.kill(os.getpid(), signal.SIGKILL)


def work(told: Work, life: int) -> None:
    """Make the steps that are left."""
    with suppress(OSError, AttributeError):
        # Where the system can: whoever is frozen when the test run is killed ends with it.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.alarm(told.seconds_max)
    if told.host is not None:
        os.environ[HOST_VARIABLE] = told.host
    earlier = history(told.folder, told.client)
    name = f"{told.client}.{life:06d}"
    notes = Notes(told.folder / f"{name}.notes")
    with (told.folder / f"{name}.jsonl").open("w", encoding="utf-8") as journal:
        recorder = Recorder(told.client, stream=journal)
        if told.naive:
            _drive(Naive(told.url.rpartition("/")[2]), recorder, told, earlier)
            return
        with connect(told.url, actor=told.client, retry=RETRY) as store:
            backend = store.engine.backend
            if told.dooms:
                backend = Doom(backend, told.dooms, notes)
                backend.watch_connections()
            doomed = BackendStore(backend, actor=told.client, retry=RETRY)
            _drive(Durable(doomed, notes, keys=told.keys), recorder, told, earlier)


def _drive(client: Client, recorder: Recorder, told: Work, earlier: list[Operation]) -> None:
    moves = [one for one in earlier if isinstance(one.call, Move)]
    last = max(moves, key=lambda one: number_of(_mark(one)), default=None)
    following = 0
    if last is not None:
        following = number_of(_mark(last)) + 1
        open_step = step(told.seed, told.client, following - 1)
        answered = any(one.reply is not None for one in moves if _mark(one) == _mark(last))
        if not answered and (open_step.kind is not Kind.UNKEYED or told.naive):
            assert isinstance(last.call, Move)
            _move(client, recorder, open_step, last.call.expected)
    for number in range(following, told.share):
        now = step(told.seed, told.client, number)
        expected = None
        if now.reads or now.kind is Kind.CHECKED:
            call = recorder.begin(now.key, Read())
            seen = client.read(now.key)
            recorder.end(call, seen)
            expected = seen.version if now.kind is Kind.CHECKED else None
        _move(client, recorder, now, expected)


def _move(client: Client, recorder: Recorder, now: Step, expected: int | None) -> None:
    call = recorder.begin(now.key, Move(now.mark, expected))
    reply = client.move(now, expected)
    if reply is not None:
        recorder.end(call, reply)


def _mark(operation: Operation) -> str:
    assert isinstance(operation.call, Move)
    return operation.call.mark
