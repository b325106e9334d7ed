"""One client in a process of its own, which may be killed at any instant and begun anew."""

import asyncio
import os
import random
import signal
import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from redis.asyncio.connection import Connection as AsyncConnection
from redis.connection import Connection

from tai_state import async_connect, connect
from tai_state._async.access.port import AsyncBackend
from tai_state._async.backends.redis import AsyncRedisBackend
from tai_state._sync.access.port import Backend
from tai_state._sync.backends.redis import RedisBackend
from tai_state.backends.redis.scripts import COMMIT
from tai_state.testing.firestore_emulator import HOST_VARIABLE
from tai_state.testing.linearizability import Move, Operation, Read
from tai_state.testing.recorder import Recorder, recorded
from tests.chaos.clients import RETRY, Client, Durable, Naive
from tests.chaos.steps import Kind, Step, number_of, step
from tests.children import end_with_parent

BEFORE_COMMIT = "kill between write and commit"
AFTER_COMMIT = "kill after commit"


@dataclass(frozen=True, slots=True)
class Work:
    """What a worker is told.

    Args:
        keys: Whether moves are made under idempotency keys.
        is_async: Whether to drive the async colour.
        naive: Whether to drive the official client in the usual loop, rather than tai_state.
        host: Where the emulator is found.
        seconds_max: After so long the worker ends itself with SIGALRM.
        dooms: How often the worker kills itself at each of its two moments around a commit.
    """

    url: str
    folder: Path
    seed: str
    client: str
    share: int
    host: str | None = None
    keys: bool = True
    is_async: bool = False
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


class Doom:
    """Kills its own process between write and commit, and between commit and acknowledgement, on SQLite and Redis."""

    def __init__(self, rates: Mapping[str, float], notes: Notes, seed: str = "") -> None:
        """Strike at each moment as often as *rates* say; lives of one *seed* would all end at the same place."""
        self._rates = rates
        self._notes = notes
        self._rng = random.Random(seed)

    def come_over(self, backend: Backend | AsyncBackend) -> None:
        """Strike in the commits of *backend*, which has not been used yet."""
        if isinstance(backend, RedisBackend | AsyncRedisBackend):
            self._watch_requests()
        commit = backend.commit

        def committed(writes: Any, *, timeout: float) -> Any:
            result = commit(writes, timeout=timeout)
            if isinstance(result, Awaitable):
                return self._committed(result)
            self._perhaps(AFTER_COMMIT)
            return result

        self._watch_statements()
        mock.patch.object(backend, "commit", committed).start()

    def _watch_statements(self) -> None:
        opened = sqlite3.connect

        def connected(*args: Any, **options: Any) -> sqlite3.Connection:
            connection: sqlite3.Connection = opened(*args, **options)
            connection.set_trace_callback(self._watcher())
            return connection

        mock.patch("sqlite3.connect", connected).start()

    def _watch_requests(self) -> None:
        """Strike where a commit is on its way to the server, and nobody has heard of it."""
        in_threads, in_tasks = Connection.send_command, AsyncConnection.send_command

        def sent(connection: Any, *command: Any, **options: Any) -> None:
            in_threads(connection, *command, **options)
            if COMMIT.sha in command:
                self._perhaps(BEFORE_COMMIT)

        async def async_sent(connection: Any, *command: Any, **options: Any) -> None:
            await in_tasks(connection, *command, **options)
            if COMMIT.sha in command:
                self._perhaps(BEFORE_COMMIT)

        mock.patch.object(Connection, "send_command", sent).start()
        mock.patch.object(AsyncConnection, "send_command", async_sent).start()

    async def _committed(self, commit: Awaitable[Any]) -> Any:
        result = await commit
        self._perhaps(AFTER_COMMIT)
        return result

    def _watcher(self) -> Callable[[str], None]:
        """Return what sees each statement of one connection before it is run."""
        is_writing = False

        def see(statement: str) -> None:
            nonlocal is_writing
            if is_writing and statement == "COMMIT":
                self._perhaps(BEFORE_COMMIT)
            is_writing = statement == "BEGIN IMMEDIATE" or (is_writing and statement not in {"COMMIT", "ROLLBACK"})

        return see

    def _perhaps(self, moment: str) -> None:
        if self._rng.random() < self._rates.get(moment, 0.0):
            self._notes(moment)
            os.kill(os.getpid(), signal.SIGKILL)


def work(told: Work, life: int) -> None:
    """Make the steps that are left."""
    # Also one that is frozen when the test run is killed.
    end_with_parent()
    signal.alarm(told.seconds_max)
    if told.host is not None:
        os.environ[HOST_VARIABLE] = told.host
    earlier = history(told.folder, told.client)
    name = f"{told.client}.{life:06d}"
    notes = Notes(told.folder / f"{name}.notes")
    with (told.folder / f"{name}.jsonl").open("w", encoding="utf-8") as journal, _client(told, name, notes) as client:
        _drive(client, Recorder(told.client, stream=journal), told, earlier)


@contextmanager
def _client(told: Work, name: str, notes: Notes) -> Iterator[Client]:
    if told.naive:
        yield Naive(told.url.rpartition("/")[2])
        return
    with asyncio.Runner() as runner:
        call = runner.run if told.is_async else lambda outcome: outcome
        store: Any = (async_connect if told.is_async else connect)(told.url, actor=told.client, retry=RETRY)
        if told.dooms:
            Doom(told.dooms, notes, f"{told.seed}/{name}").come_over(store.runtime.access.backend)
        client = Durable(store, call)
        client.note, client.keys = notes, told.keys
        yield client
        call(store.close())


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
