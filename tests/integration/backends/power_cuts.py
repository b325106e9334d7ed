"""What a power cut may leave of files: from a trace of what a process wrote and flushed, images of its folder.

The model is the strictest that a POSIX file system allows:

- what was written before a flush of its file is there; of what was written since, any part may be there, in
  units of a disk's sector, whatever the order: none of it, all of it, a prefix, anything;
- a name that was made or removed is so for certain only once its folder was flushed, names in their order;
- the shared memory of SQLite (``-shm``) is gone.
"""

import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.bare import bare_environment

SECTOR = 512
CALLS = (
    "write,pwrite64,writev,pwritev,pwritev2,fsync,fdatasync,sync_file_range,ftruncate,fallocate,truncate,"
    "openat,open,creat,unlink,unlinkat,rename,renameat,renameat2,link,linkat,mmap"
)
TRACE_SECONDS_MAX = 300

_LINE = re.compile(r"(?P<pid>\d+) +(?P<rest>.*)")
_UNFINISHED = re.compile(r"(?P<call>.*) <unfinished \.\.\.>$")
_RESUMED = re.compile(r"<\.\.\. \w+ resumed>(?P<rest>.*)$")
_CALL = re.compile(r"(?P<name>\w+)\((?P<arguments>.*)\) += (?P<result>-?\d+|0x[0-9a-f]+)")
_FD = re.compile(r"(?P<fd>\d+|AT_FDCWD)<(?P<path>[^>]*)>")
_HEX = re.compile(r"(?:\\x[0-9a-f]{2})+")


@dataclass(frozen=True)
class Step:
    """One thing that the process did to its files, once it was done."""

    kind: str  # write, resize, flush, make, remove, acknowledge
    path: str = ""
    offset: int = 0
    data: bytes = b""


def trace(arguments: list[str], folder: Path, log: Path) -> list[Step]:
    """Run a Python program under strace, and return what it did in *folder* and wrote to standard output."""
    command = ["strace", "-f", "-y", "-xx", "-s", "1000000", "-o", str(log), "-e", f"trace={CALLS}"]
    done = subprocess.run(
        [*command, sys.executable, *arguments],
        env=bare_environment(),
        capture_output=True,
        timeout=TRACE_SECONDS_MAX,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    steps = list(read_trace(log.read_text(encoding="ascii"), folder))
    said = b"".join(step.data for step in steps if step.kind == "acknowledge")
    # Pair assertion: nothing that the program said is missing from the trace, so nothing that it wrote is either.
    # (Two threads may have said it in the other order.)
    assert sorted(said.splitlines()) == sorted(done.stdout.splitlines())
    return steps


def read_trace(text: str, folder: Path) -> Iterator[Step]:
    """Read strace's log, each call at the moment at which it was done."""
    begun: dict[str, str] = {}
    for line in text.splitlines():
        parts = _LINE.fullmatch(line)
        assert parts, line[:200]
        pid, rest = parts["pid"], parts["rest"]
        if unfinished := _UNFINISHED.fullmatch(rest):
            begun[pid] = unfinished["call"]
            continue
        if resumed := _RESUMED.fullmatch(rest):
            rest = begun.pop(pid) + resumed["rest"]
        if call := _CALL.match(rest):
            yield from _steps(call["name"], call["arguments"], int(call["result"], 0), folder)


def _steps(name: str, arguments: str, result: int, folder: Path) -> Iterator[Step]:
    if result < 0:
        return
    fd = _FD.match(arguments)
    path = _text(fd["path"]).removesuffix("(deleted)") if fd else ""
    is_ours = path == str(folder) or path.startswith(f"{folder}/")
    strings = [_bytes(one) for one in _HEX.findall(arguments[fd.end() if fd else 0 :])]
    if name == "write" and fd and fd["fd"] == "1":
        yield Step("acknowledge", data=strings[0][:result])
    elif name in {"fsync", "fdatasync"} and is_ours:
        yield Step("flush", path)
    elif name == "pwrite64" and is_ours:
        yield Step("write", path, offset=int(arguments.rsplit(",", 1)[1]), data=strings[0][:result])
    elif name == "ftruncate" and is_ours:
        yield Step("resize", path, offset=int(arguments.rsplit(",", 1)[1]))
    elif name == "openat" and "O_CREAT" in arguments and strings[0].startswith(f"{folder}/".encode()):
        yield Step("make", strings[0].decode())
    elif name == "unlink" and strings[0].startswith(f"{folder}/".encode()):
        yield Step("remove", strings[0].decode())
    elif name not in {"openat", "unlink", "mmap"} and (is_ours or any(str(folder).encode() in s for s in strings)):
        message = f"the model of power cuts does not know {name}({arguments[:200]})"
        raise AssertionError(message)
    elif name == "mmap" and is_ours and "MAP_SHARED" in arguments and "PROT_WRITE" in arguments:
        assert path.endswith("-shm"), f"{path} is written through memory, which no trace shows"


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


def _text(text: str) -> str:
    return _bytes(text).decode() if text.startswith("\\x") else text


@dataclass
class File:
    """A file: what is on the disk for certain, and what was done since."""

    durable: bytes = b""
    pending: list[Step] = field(default_factory=list)

    def flush(self) -> None:
        self.durable = applied(self.durable, self.pending, lambda _: True)
        self.pending = []


def applied(before: bytes, steps: list[Step], keeps: Callable[[int], bool]) -> bytes:
    """Return what *before* becomes by those sectors of *steps* that are kept; they are numbered in their order."""
    content = bytearray(before)
    number = 0
    for step in steps:
        if step.kind == "resize":
            if keeps(number):
                content[step.offset :] = bytes(max(0, step.offset - len(content)))
            number += 1
            continue
        at = 0
        while at < len(step.data):
            # Up to the next sector of the file.
            size = min(SECTOR - (step.offset + at) % SECTOR, len(step.data) - at)
            if keeps(number):
                start = step.offset + at
                content.extend(bytes(max(0, start - len(content))))
                content[start : start + size] = step.data[at : at + size]
            number += 1
            at += size
    return bytes(content)


class Disk:
    """The folder of a process, step by step."""

    def __init__(self, *, flushes: bool = True) -> None:
        """Begin empty; without *flushes*, as a disk that ignores them."""
        self._flushes = flushes
        self._names: dict[str, File] = {}
        self._durable: dict[str, File] = {}
        self._pending: list[tuple[str, File | None]] = []
        self.acknowledged: list[bytes] = []

    def do(self, step: Step) -> None:
        """Take one step."""
        if step.kind == "acknowledge":
            self.acknowledged.append(step.data)
        elif step.path.endswith("-shm"):
            return
        elif step.kind == "make":
            if step.path not in self._names:
                self._names[step.path] = File()
                self._pending.append((step.path, self._names[step.path]))
        elif step.kind == "remove":
            del self._names[step.path]
            self._pending.append((step.path, None))
        elif step.kind == "flush" and not self._flushes:
            return
        elif step.kind == "flush" and step.path in self._names:
            self._names[step.path].flush()
        elif step.kind == "flush":
            self._durable, self._pending = dict(self._names), []
        elif step.path in self._names:
            self._names[step.path].pending.append(step)

    def cut(self, rng: random.Random, folder: Path) -> None:
        """Write to *folder* what a power cut now might leave there."""
        names = dict(self._durable)
        for path, file in self._pending[: rng.choice([0, len(self._pending), rng.randint(0, len(self._pending))])]:
            names.pop(path, None)
            if file is not None:
                names[path] = file
        mood = rng.choice(["none", "all", "prefix", "any", "any"])
        for path, file in names.items():
            (folder / Path(path).name).write_bytes(applied(file.durable, file.pending, _choice(mood, rng)))

    def miss(self, number: int, folder: Path) -> bool:
        """Write all that was done to *folder*, but for the sector *number* of what may be missing of each file.

        Return whether any file misses it.
        """
        seen: set[int] = set()

        def keeps(one: int) -> bool:
            seen.add(one)
            return one != number

        for path, file in self._names.items():
            (folder / Path(path).name).write_bytes(applied(file.durable, file.pending, keeps))
        return number in seen


def _choice(mood: str, rng: random.Random) -> Callable[[int], bool]:
    if mood == "prefix":
        end = rng.randint(0, 64)
        return lambda number: number < end
    share = {"none": 0.0, "all": 1.0}.get(mood, rng.random())
    return lambda _: rng.random() < share


def cuts(steps: list[Step], *, flushes: bool = True) -> Iterator[Disk]:
    """Yield the disk just before and just behind each flush and each acknowledgement."""
    disk = Disk(flushes=flushes)
    for step in steps:
        is_boundary = step.kind in {"flush", "acknowledge"} and not step.path.endswith("-shm")
        if is_boundary:
            yield disk
        disk.do(step)
        if is_boundary:
            yield disk
