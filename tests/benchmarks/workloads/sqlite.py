"""One durable transition on SQLite, by one caller and by thirty-two; many callers of one state."""

import asyncio
import json
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.benchmarks.harness import Claim, Subject, Workload
from tests.benchmarks.ours import CALLERS, DATA, Ours, Tasks, Threads
from tests.benchmarks.peers import CachedAggregate, Checkpoints, Steps

TABLES = """
CREATE TABLE states (id TEXT PRIMARY KEY, version INTEGER NOT NULL, data TEXT NOT NULL);
CREATE TABLE events (id TEXT, version INTEGER, data TEXT NOT NULL, PRIMARY KEY (id, version)) WITHOUT ROWID;
"""
BEGIN, READ = "BEGIN IMMEDIATE", "SELECT version, data FROM states WHERE id = ?"
UPDATE = "UPDATE states SET version = ?, data = ? WHERE id = ? AND version = ?"
INSERT = "INSERT INTO events VALUES (?, ?, ?)"


def opened(folder: Path) -> sqlite3.Connection:
    """Return a new database with a state for each caller, flushed to the disk with each commit."""
    database = sqlite3.connect(folder / "raw.db", isolation_level=None, check_same_thread=False)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.executescript(TABLES)
    for caller in range(CALLERS):
        database.execute("INSERT INTO states VALUES (?, 0, ?)", (f"s{caller}", json.dumps(DATA)))
    return database


def move(database: sqlite3.Connection, state: str) -> None:
    """Make the move by hand, inside a transaction."""
    version, text = database.execute(READ, (state,)).fetchone()
    data = json.loads(text)
    data["n"] += 1
    text = json.dumps(data)
    database.execute(UPDATE, (version + 1, text, state, version))
    database.execute(INSERT, (state, version + 1, text))


class Raw:
    """The hand-written transaction."""

    def setup(self, folder: Path) -> None:
        self._database = opened(folder)

    def step(self) -> int:
        self._database.execute(BEGIN)
        move(self._database, "s0")
        self._database.execute("COMMIT")
        return 1

    def teardown(self) -> None:
        self._database.close()


class GroupCommit:
    """Thirty-two threads that hand their moves to one writer, which commits all that wait together."""

    def setup(self, folder: Path) -> None:
        self._database = opened(folder)
        self._waiting: queue.SimpleQueue[tuple[str, Future[None]] | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write)
        self._writer.start()
        self._pool = ThreadPoolExecutor(CALLERS)

    def _write(self) -> None:
        while (first := self._waiting.get()) is not None:
            group = [first]
            while not self._waiting.empty() and len(group) < CALLERS and (other := self._waiting.get()) is not None:
                group.append(other)
            self._database.execute(BEGIN)
            for state, _ in group:
                move(self._database, state)
            self._database.execute("COMMIT")
            for _, done in group:
                done.set_result(None)

    def _many(self, caller: int) -> None:
        for _ in range(8):
            done: Future[None] = Future()
            self._waiting.put((f"s{caller}", done))
            done.result()

    def step(self) -> int:
        list(self._pool.map(self._many, range(CALLERS)))
        return CALLERS * 8

    def teardown(self) -> None:
        self._waiting.put(None)
        self._writer.join()
        self._database.close()


class Aiosqlite:
    """Thirty-two tasks with the hand-written transaction, one after the other on one connection."""

    def setup(self, folder: Path) -> None:
        import aiosqlite  # noqa: PLC0415 - a peer, in the environment of the benchmark alone

        opened(folder).close()
        self._runner = asyncio.Runner()
        self._turn = asyncio.Lock()

        async def connected() -> Any:
            database = await aiosqlite.connect(folder / "raw.db", isolation_level=None)
            await database.execute("PRAGMA synchronous=FULL")
            return database

        self._database = self._runner.run(connected())

    async def _many(self, state: str) -> None:
        for _ in range(8):
            async with self._turn:
                await self._database.execute(BEGIN)
                async with self._database.execute(READ, (state,)) as cursor:
                    version, text = await cursor.fetchone()
                data = json.loads(text)
                data["n"] += 1
                text = json.dumps(data)
                await self._database.execute(UPDATE, (version + 1, text, state, version))
                await self._database.execute(INSERT, (state, version + 1, text))
                await self._database.execute("COMMIT")

    async def _all(self) -> None:
        await asyncio.gather(*[self._many(f"s{caller}") for caller in range(CALLERS)])

    def step(self) -> int:
        self._runner.run(self._all())
        return CALLERS * 8

    def teardown(self) -> None:
        self._runner.run(self._database.close())
        self._runner.close()


ONE: dict[str, Callable[[], Subject]] = {
    "raw": Raw,
    "tai_state": lambda: Ours("sqlite"),
    "tai_state async": lambda: Tasks("sqlite"),
    "eventsourcing": lambda: CachedAggregate("sqlite"),
    "langgraph": Checkpoints,
    "dbos step": Steps,
}

WORKLOADS = [
    Workload(
        "w1-sqlite",
        "one durable transition, FULL, one caller",
        ONE,
        [
            Claim("tai_state", "raw", 0.6, 0.8),
            Claim("tai_state async", "raw", 0.6, 0.8),
            Claim("tai_state", "eventsourcing", 2.5, 4),
            Claim("tai_state", "langgraph", 1.2),
            Claim("tai_state", "dbos step", 15),
        ],
    ),
    # A slow disk makes all of them alike; their CPU it does not touch.
    Workload("w1-sqlite-cpu", "CPU of one durable transition, FULL, one caller", ONE, [], unit="us CPU"),
    Workload(
        "w1-sqlite-32",
        "one durable transition, FULL, 32 callers on 32 states",
        {
            "raw group commit": GroupCommit,
            "tai_state": lambda: Threads("sqlite", CALLERS),
            "tai_state async": lambda: Tasks("sqlite", CALLERS, CALLERS),
            "aiosqlite": Aiosqlite,
        },
        [
            Claim("tai_state", "raw group commit", 0.4, 0.7),
            Claim("tai_state async", "raw group commit", 0.4, 0.7),
            Claim("tai_state async", "aiosqlite", 6),
        ],
    ),
    Workload(
        "hot-sqlite",
        "32 callers on one state, FULL, against 32 on 32",
        {
            "on one": lambda: Threads("sqlite", 1),
            "on 32": lambda: Threads("sqlite", CALLERS),
            "on one async": lambda: Tasks("sqlite", 1, CALLERS),
        },
        [Claim("on one", "on 32", 5), Claim("on one async", "on 32", 5)],
    ),
]
