"""Mutual exclusion by the store's clock: workers that are frozen and killed at random, and a judge of what they did."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import redis
from google.cloud import firestore

import tai_state
from tai_state import StateMachinePersister, connect
from tai_state.backends.redis.addresses import read_address
from tai_state.backends.redis.encoding import document
from tai_state.backends.sqlite.encoding import from_us
from tai_state.codec import from_json
from tai_state.documents import DocumentPath
from tests.integration.locking.lock_worker import MACHINE

WORKER = "tests.integration.locking.lock_worker"
ROOT = Path(tai_state.__file__).parents[1]
PROCESSES = 4
THREADS = 4
SKEW_SECONDS = 300.0
TTL = 1.0
FREEZE_SECONDS = (0.2, 2.4)
PAUSE_SECONDS = 0.05
LOOK_SECONDS = 0.5
END_SECONDS = 60.0

_KEEP_HISTORY = """
CREATE TABLE lease_history (seq INTEGER PRIMARY KEY, update_time INTEGER NOT NULL, fields BLOB NOT NULL);
CREATE TRIGGER lease_granted AFTER INSERT ON documents WHEN new.collection = 'locks'
BEGIN INSERT INTO lease_history (update_time, fields) VALUES (new.update_time, new.body); END;
CREATE TRIGGER lease_changed AFTER UPDATE ON documents WHEN new.collection = 'locks'
BEGIN INSERT INTO lease_history (update_time, fields) VALUES (new.update_time, new.body); END;
"""


@dataclass(frozen=True, slots=True)
class Version:
    """The lease document as one commit left it."""

    at: datetime
    token: int
    holder: str | None
    ttl: timedelta
    pid: int | None = None
    """The process that the lease ends with, where the store is of one host."""


@dataclass(frozen=True, slots=True)
class Record:
    """What a run left: the lease's versions, who trusted it when, the events' tokens and times, and the counts."""

    versions: list[Version]
    trusts: dict[int, tuple[float, float]]
    writes: list[tuple[int, datetime]]
    freezes: int
    kills: int
    seconds: float
    killed: frozenset[int] = frozenset()
    """The processes that were killed: on one host their leases end with them, and whoever asks next gets the lock."""

    @property
    def grants(self) -> int:
        """How many grants were seen."""
        return len({version.token for version in self.versions})


# The judge


def problems(record: Record) -> list[str]:
    """Return every way in which the run broke mutual exclusion."""
    return [
        *_falling_tokens(record.versions),
        *_overlaps(record),
        *_double_trust(record),
        *stale_writes(record),
    ]


def _falling_tokens(versions):
    for before, after in pairwise(versions):
        if after.token < before.token:
            yield f"token {before.token} was followed by {after.token} at {after.at}"


def _overlaps(record):
    """A grant while the lease before it was in force, both by the store's own times."""
    for before, after in pairwise(record.versions):
        is_over = before.holder is None or before.pid in record.killed
        ends = before.at if is_over else before.at + before.ttl
        if after.token != before.token and after.at < ends:
            yield f"token {after.token} was granted at {after.at}, though {before.token} held until {ends}"


def _double_trust(record):
    """Two holders who both believed it, by the clock of the host that they share; who was killed believes nothing."""
    dead = {version.token for version in record.versions if version.pid in record.killed}
    for (token, (_, until)), (later, (since, _)) in pairwise(sorted(record.trusts.items())):
        if since < until and token not in dead:
            yield f"tokens {token} and {later} were trusted at once for {until - since:.3f} s"


def stale_writes(record: Record) -> list[str]:
    """Return the writes that landed behind a later holder's grant."""
    granted: dict[int, datetime] = {}
    for version in record.versions:
        granted.setdefault(version.token, version.at)
    found = []
    highest = 0
    for number, (token, moment) in enumerate(record.writes, start=1):
        followed = min((at for other, at in granted.items() if other > token), default=None)
        if token < highest or (followed is not None and moment >= followed):
            found.append(f"write {number} of token {token} landed at {moment}, behind a later holder's")
        highest = max(highest, token)
    return found


# The run


class Arena:
    """Processes of workers on one place, some of them frozen or killed now and then."""

    def __init__(self, url: str, folder: Path, *, guarded: bool, seed: str) -> None:
        self._url = url
        self._folder = folder
        self._guarded = guarded
        self._seed = seed
        self._rng = random.Random(seed)
        self._started = 0
        self._running: list[subprocess.Popen[bytes]] = []
        self._thaws: dict[int, float] = {}
        self.freezes = 0
        self.killed: set[int] = set()

    def start(self) -> None:
        """Start one more process, with clocks of its own."""
        self._started += 1
        skew = self._rng.choice((-1, 1)) * self._rng.uniform(SKEW_SECONDS / 2, SKEW_SECONDS)
        options = {
            "url": self._url,
            "folder": str(self._folder),
            "seed": f"{self._seed}-{self._started}",
            "guarded": self._guarded,
            "threads": THREADS,
            "ttl": TTL,
            "skew": skew,
        }
        command = [sys.executable, "-m", WORKER, json.dumps(options)]
        self._running.append(subprocess.Popen(command, stdin=subprocess.PIPE, cwd=ROOT))

    def disturb(self) -> None:
        """Freeze or kill a process now and then, and thaw those that have stood still for long enough."""
        now = time.monotonic()
        for process in self._running:
            if process.pid not in self._thaws and _is_stopped(process):
                # It stopped itself, or was stopped just now.
                self._thaws[process.pid] = now + self._rng.uniform(*FREEZE_SECONDS)
                self.freezes += 1
            elif self._thaws.get(process.pid, now + 1) <= now:
                del self._thaws[process.pid]
                process.send_signal(signal.SIGCONT)
        lot = self._rng.random()
        victim = self._rng.choice(self._running)
        if lot < 0.03:
            victim.send_signal(signal.SIGSTOP)
        elif lot < 0.04:
            self._kill(victim)
            self.killed.add(victim.pid)
            self.start()

    def _kill(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait()
        assert process.stdin is not None
        process.stdin.close()
        self._thaws.pop(process.pid, None)
        self._running.remove(process)

    def stop(self) -> None:
        """Thaw all, and let them end by themselves."""
        for process in self._running:
            process.send_signal(signal.SIGCONT)
            assert process.stdin is not None
            process.stdin.close()
        ends = time.monotonic() + END_SECONDS
        while any(process.poll() is None for process in self._running) and time.monotonic() < ends:
            for process in self._running:
                # One may stop itself once more.
                process.send_signal(signal.SIGCONT)
            time.sleep(PAUSE_SECONDS)
        codes = [process.poll() for process in self._running]
        assert codes == [0] * PROCESSES, f"workers did not end by themselves: {codes}"

    def end(self) -> None:
        """End what still runs, whatever happened."""
        for process in list(self._running):
            self._kill(process)


def _is_stopped(process: subprocess.Popen[bytes]) -> bool:
    # Without taking the news away from a later look: WNOWAIT.
    found = os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOHANG | os.WNOWAIT)
    if found is None:
        return False
    os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOHANG)
    return True


def run(
    url: str,
    folder: Path,
    *,
    guarded: bool,
    seconds: float,
    grants: int = 0,
    freezes: int = 0,
    seconds_max: float = 0.0,
    seed: str = "1",
    until: Callable[[Record], object] | None = None,
) -> Record:
    """Let the workers work for *seconds* and then until there were *grants* and *freezes*; return what they left.

    It ends by itself after three times *seconds* or after *seconds_max*, however few of them there were; and as soon
    as *until* is true of what is there on SQLite.
    """
    path = url.removeprefix("sqlite:///") if url.startswith("sqlite") else None
    with connect(url) as store:
        persister = StateMachinePersister(store, MACHINE)
        persister.start("g", "s", {"token": 0})
        if path is not None:
            _execute(path, _KEEP_HISTORY)
        arena = Arena(url, folder, guarded=guarded, seed=seed)
        began = time.monotonic()
        try:
            for _ in range(PROCESSES):
                arena.start()
            look = began
            while time.monotonic() < began + max(3 * seconds, seconds_max):
                time.sleep(PAUSE_SECONDS)
                arena.disturb()
                if time.monotonic() > began + seconds and arena.freezes >= freezes and _token(store) >= grants:
                    break
                if until is not None and path is not None and time.monotonic() > look + LOOK_SECONDS:
                    look = time.monotonic()
                    if until(Record(_kept_versions(path), {}, _writes(persister), 0, 0, 0.0)):
                        break
            arena.stop()
        finally:
            arena.end()
        writes = _writes(persister)
    told = _told(folder)
    if path is not None:
        versions = _kept_versions(path)
    elif url.startswith("redis"):
        versions = _logged_versions(url)
    else:
        versions = _read_versions(url.removeprefix("firestore://"))
    seconds_taken, killed = time.monotonic() - began, frozenset(arena.killed)
    return Record(versions, _trusts(told), writes, arena.freezes, len(killed), seconds_taken, killed)


def _writes(persister: StateMachinePersister) -> list[tuple[int, datetime]]:
    """Return the token and the time of each write."""
    writes = []
    for event in list(persister.history("g", "s"))[1:]:
        assert event.committed_at is not None
        writes.append((event.to_state["token"], event.committed_at))
    return writes


def _token(store) -> int:
    found = tai_state.LockManager(store).inspect("r")
    return found.fencing_token if found else 0


def _execute(path: str, script: str) -> None:
    connection = sqlite3.connect(path, timeout=30)
    connection.executescript(script)
    connection.close()


def _kept_versions(path: str) -> list[Version]:
    """Return all versions of the lease, as a trigger kept them in the commits themselves."""
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT update_time, fields FROM lease_history ORDER BY seq").fetchall()
    connection.close()
    return [_version(from_us(moment), from_json(fields)) for moment, fields in rows]


def _logged_versions(url: str) -> list[Version]:
    """Return all versions of the lease, as the log of a server that appends each change has them."""
    address = read_address(url)
    with closing(redis.Redis(port=address.port, decode_responses=True)) as asking:
        settings = asking.config_get("dir") | asking.config_get("appenddirname")
    key = f"{address.prefix}d:locks/r".encode()
    found = []
    for log in sorted(Path(settings["dir"] or "", settings["appenddirname"] or "").glob("*.incr.aof")):
        for command in _commands(log.read_bytes()):
            if command[:2] == [b"SET", key]:
                lease = document(DocumentPath("locks", "r"), command[2])
                found.append(_version(lease.update_time, lease.fields))
    return found


def _commands(log: bytes) -> Iterator[list[bytes]]:
    """Yield each command of a log, which is written as a client would send it."""
    at = 0
    while at < len(log):
        end = log.index(b"\r\n", at)
        words = []
        count, at = int(log[at + 1 : end]), end + 2
        for _ in range(count):
            end = log.index(b"\r\n", at)
            size, at = int(log[at + 1 : end]), end + 2
            words.append(log[at : at + size])
            at += size + 2
        yield words


def _read_versions(project: str) -> list[Version]:
    """Return all versions of the lease, read back one by one; the emulator reads as of any moment that is past."""
    lease = firestore.Client(project=project).document("locks/r")
    found: list[Version] = []
    snapshot = lease.get()
    while snapshot.exists:
        found.append(_version(snapshot.update_time, snapshot.to_dict()))
        snapshot = lease.get(read_time=found[-1].at - timedelta(microseconds=1))
    return found[::-1]


def _version(moment: datetime, fields) -> Version:
    process = fields.get("process")
    pid = process["pid"] if process is not None else None
    return Version(moment, fields["fencing_token"], fields["holder"], timedelta(seconds=fields["ttl_seconds"]), pid)


def _told(folder: Path) -> list[dict[str, object]]:
    found = []
    for path in folder.glob("*.jsonl"):
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:
                continue  # the last word of a process that was killed
    return found


def _trusts(told) -> dict[int, tuple[float, float]]:
    """Return from when until when each grant was trusted; who is about to release it trusts it no more."""
    found: dict[int, tuple[float, float]] = {}
    for one in told:
        if one["kind"] == "trusts":
            since, until = found.get(one["token"], (one["since"], one["until"]))
            found[one["token"]] = (min(since, one["since"]), max(until, one["until"]))
    for one in told:
        if one["kind"] == "left" and one["token"] in found:
            since, until = found[one["token"]]
            found[one["token"]] = (since, min(until, one["at"]))
    return found
