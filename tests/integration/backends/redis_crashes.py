"""Servers that are killed under load, and what is there once they are started again; power cuts by a trace."""

import re
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path

from tai_state import CommitAmbiguousError, RetryPolicy, StateMachinePersister, TaiStateError, connect, verify
from tai_state.clock import SystemClock
from tests.chaos.clients import MACHINE
from tests.redis_servers import RedisServer
from tests.waits import eventually

WRITERS = 4
_MOMENT = 0.2
_RETRY = RetryPolicy(attempts=1, deadline=5.0)

monotonic = SystemClock().monotonic


@dataclass(frozen=True, slots=True)
class Loss:
    """What a crash took.

    Attributes:
        acknowledged: How many moves were acknowledged before it.
        lost: How many of them are not there behind it.
        seconds: How long before the crash the first of those was acknowledged.
        problems: What is unsound in what is left.
    """

    acknowledged: int
    lost: int
    seconds: float
    problems: list[str]


class Writers:
    """Threads that move a state each, one move behind the other, and note when each was acknowledged."""

    def __init__(self, url: str) -> None:
        """Start them."""
        self._url = url
        with connect(url, actor="writer") as store:
            for number in range(WRITERS):
                StateMachinePersister(store, MACHINE).start("g", f"s{number}", {"n": 0, "mark": ""})
        self._is_over = threading.Event()
        self.acknowledged: list[list[float]] = [[] for _ in range(WRITERS)]
        self._threads = [threading.Thread(target=self._write, args=(number,)) for number in range(WRITERS)]
        for thread in self._threads:
            thread.start()

    def _write(self, number: int) -> None:
        with connect(self._url, actor="writer", retry=_RETRY) as store:
            persister = StateMachinePersister(store, MACHINE)
            try:
                while not self._is_over.is_set():
                    persister.transition("g", f"s{number}", "add", "")
                    self.acknowledged[number].append(monotonic())
            except TaiStateError as error:
                if not (error.retryable or isinstance(error, CommitAmbiguousError) or error.code == "outcome_unknown"):
                    raise

    def wait(self, moves: int) -> None:
        """Wait until each of them has made so many moves."""
        assert eventually(lambda: min(map(len, self.acknowledged)) >= moves)

    def stop(self) -> None:
        """Let them end: whoever calls has killed the server."""
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def loss(self, crashed: float) -> Loss:
        """Return what is not there of what was acknowledged before the crash."""
        count = lost = 0
        seconds, problems = 0.0, []
        with connect(self._url, actor="judge") as store:
            persister = StateMachinePersister(store, MACHINE)
            for number, moments in enumerate(self.acknowledged):
                count += len(moments)
                events = [event.to_state["n"] for event in persister.history("g", f"s{number}")]
                kept = max(len(events) - 1, 0)
                if events != list(range(len(events))) or (events and store.get_state("g", f"s{number}")[1] != kept + 1):
                    problems.append(f"s{number} has {len(events)} events and another version")
                if kept < len(moments):
                    lost += len(moments) - kept
                    seconds = max(seconds, crashed - moments[kept])
            problems += [str(problem) for report in verify(store) for problem in report.problems]
        return Loss(count, lost, seconds, problems)


def killed(folder: Path, fsync: str, moves: int) -> Loss:
    """Kill a server with that ``appendfsync`` once so many moves were made by each writer."""
    server = RedisServer(folder, "--appendonly", "yes", "--appendfsync", fsync)
    writers, crashed = _crashed(server, moves)
    return _loss(server, writers, crashed)


def cut(folder: Path, fsync: str, moves: int) -> Loss:
    """Cut the power of a server's machine: its log ends where the last flush that ended had begun.

    As a trace of the server's calls tells it, the worst that a file system may leave of an appended file.
    """
    folder = folder.resolve()
    trace = folder / "trace"
    calls = "trace=openat,write,fdatasync,fsync"
    server = RedisServer(
        folder,
        *("--appendonly", "yes", "--appendfsync", fsync, "--auto-aof-rewrite-percentage", "0"),
        under=("strace", "-f", "-ttt", "-o", str(trace), "-e", calls),
    )
    writers, crashed = _crashed(server, moves)
    (log,) = (folder / "appendonlydir").glob("*.incr.aof")
    assert eventually(lambda: "killed by SIGKILL" in trace.read_text(errors="replace"))
    flushed = _flushed(trace.read_text(errors="replace"), log.name)
    shutil.copy(log, folder / "before")
    with log.open("r+b") as file:
        file.truncate(flushed)
    return _loss(server, writers, crashed)


def _crashed(server: RedisServer, moves: int) -> tuple[Writers, float]:
    """Kill *server* once so many moves were made by each writer; return them, and when it died."""
    writers = Writers(server.url("crash"))
    try:
        writers.wait(moves)
    finally:
        server.kill()
        crashed = monotonic()
        writers.stop()
    return writers, crashed


def _loss(server: RedisServer, writers: Writers, crashed: float) -> Loss:
    """Start *server* again, and return what is not there."""
    server.start()
    try:
        return writers.loss(crashed)
    finally:
        server.kill()


_OPENED = re.compile(r'openat\(.*"[^"]*?(?P<name>[^"/]+)".*\) = (?P<file>\d+)')
_WRITTEN = re.compile(r"write\((?P<file>\d+), .* = (?P<size>\d+)$")
_BEGUN = re.compile(r"(?P<pid>\d+) .*f(data)?sync\((?P<file>\d+)(?P<rest>.*)$")
_RESUMED = re.compile(r"(?P<pid>\d+) .*<\.\.\. f(data)?sync resumed>.*= 0$")


def _flushed(trace: str, name: str) -> int:
    """Return how much of a file was written before the last flush of it began that has ended."""
    files: dict[str, str] = {}
    size = flushed = 0
    begun: dict[str, int] = {}
    for line in trace.splitlines():
        if found := _OPENED.search(line):
            files[found["file"]] = found["name"]
        elif (found := _WRITTEN.search(line)) and files.get(found["file"]) == name:
            size += int(found["size"])
        elif found := _RESUMED.search(line):
            flushed = max(flushed, begun.pop(found["pid"], 0))
        elif (found := _BEGUN.search(line)) and files.get(found["file"]) == name:
            if found["rest"].endswith("= 0"):
                flushed = size
            else:
                begun[found["pid"]] = size
    return flushed
