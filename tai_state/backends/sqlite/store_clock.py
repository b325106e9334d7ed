"""The store's clock: the host's boot clock plus an offset that the file keeps.

All processes of one boot read the same boot clock and add the same offset, so they agree without talking to
each other, and a step of the wall clock moves nothing. The wall clock counts once a boot: the first process that
opens the file starts the clock at the later of the wall clock and the *mark*. The mark is reserved ahead of every
commit, in the same transaction, so no commit of an earlier boot is later than the start of this one.

Commit times rise strictly over the whole store:

1. within a process, a commit's time is above the last one's, whatever the clock says;
2. across processes, a commit ends only after the clock has passed its time (see ``let_pass``), and the next
   one reads the clock after it got the write lock;
3. across boots, the mark is above all of them;
4. should a file hold a later time all the same (a clock that a test injected, a file carried from another
   host), the commit that meets it moves the clock above it first (see ``advance``).

So a document that is deleted and created again never gets an earlier update_time than it had. A read takes its
time after its snapshot was taken: nothing that it saw is later (2).
"""

import os
import sqlite3
import threading
import weakref
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tai_state.backends.sqlite.encoding import to_us
from tai_state.backends.sqlite.failures import damaged
from tai_state.clock import Clock, SystemClock

RESERVE_US = 1_000_000
"""How far ahead of a commit the mark is set: it is written about once in so many microseconds of activity."""

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_MICROSECONDS = 1_000_000
_LOOKS_MAX = 64
_READ = "SELECT key, value FROM meta WHERE key IN ('boot_id', 'clock_offset', 'clock_mark')"
_WRITE = "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"


@cache
def host_boot_id() -> str:
    """Return what tells this boot of the host from others.

    Where the system has none (not Linux), all boots look alike; then a clock that is behind the mark shows that
    the boot clock began anew, and one that is not behind goes on with the old offset, which is as safe.
    """
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return "unknown"


def epoch_of(clock: Clock, boot_id: str) -> str:
    """Return the name of the time line that *clock* counts on: the host's boot, or one of its own when injected."""
    if isinstance(clock, SystemClock):
        return boot_id
    return f"{boot_id}:{os.getpid()}:{id(clock):x}"


def _elapsed_us(clock: Clock) -> int:
    return int(clock.monotonic() * _MICROSECONDS)


class StoreClock:
    """The store's clock in one process, shared by its backends of one file."""

    def __init__(self, clock: Clock, offset_us: int, mark_us: int) -> None:
        """Start from what the file holds; see ``anchor``."""
        self._clock = clock
        self._offset_us = offset_us
        self._last_us = 0
        self._lock = threading.Lock()
        self.mark_us = mark_us

    def now_us(self) -> int:
        """Return the time: never below a commit time that this process has given or seen."""
        return max(self._offset_us + _elapsed_us(self._clock), self._last_us)

    def next_us(self) -> int:
        """Return the time of a new commit, above every one before. Needs the write lock."""
        with self._lock:
            # As ``_elapsed_us`` has it: each commit asks twice.
            now_us = self._offset_us + int(self._clock.monotonic() * _MICROSECONDS)
            self._last_us = max(now_us, self._last_us + 1)
            return self._last_us

    def advance(self, seen_us: int) -> None:
        """Never return a time below *seen_us* again."""
        if seen_us > self._last_us:
            with self._lock:
                self._last_us = max(self._last_us, seen_us)

    def let_pass(self, moment_us: int) -> None:
        """Wait until the clock is past *moment_us*, which takes a microsecond at most.

        A clock that does not move by itself, as in tests, is not waited for.
        """
        for _ in range(_LOOKS_MAX):
            if self._offset_us + int(self._clock.monotonic() * _MICROSECONDS) > moment_us:
                return


@dataclass(frozen=True, slots=True)
class _Anchor:
    epoch: str
    offset_us: int
    mark_us: int


def _stored(connection: sqlite3.Connection) -> _Anchor | None:
    found = dict(connection.execute(_READ).fetchall())
    if found.keys() != {"boot_id", "clock_offset", "clock_mark"}:
        return None
    for name, kind in (("boot_id", str), ("clock_offset", int), ("clock_mark", int)):
        if type(found[name]) is not kind:
            raise damaged(f"its {name} is {found[name]!r}")
    return _Anchor(found["boot_id"], found["clock_offset"], found["clock_mark"])


def read_anchor(connection: sqlite3.Connection, clock: Clock, boot_id: str) -> StoreClock | None:
    """Return the clock as the file has it, or None when this boot has not started it yet."""
    stored = _stored(connection)
    if stored is None or stored.epoch != epoch_of(clock, boot_id):
        return None
    # Behind the moment at which the mark was set: the boot clock began anew though the epoch's name is the same.
    if stored.offset_us + _elapsed_us(clock) < stored.mark_us - RESERVE_US:
        return None
    return StoreClock(clock, stored.offset_us, stored.mark_us)


def write_anchor(connection: sqlite3.Connection, clock: Clock, boot_id: str) -> StoreClock:
    """Start the clock of this boot, unless another process just did. Needs the write lock."""
    if found := read_anchor(connection, clock, boot_id):
        return found
    stored = _stored(connection)
    start_us = max(to_us(clock.now()), stored.mark_us if stored else 0)
    mark_us = start_us + RESERVE_US
    offset_us = start_us - _elapsed_us(clock)
    connection.executemany(
        _WRITE, [("boot_id", epoch_of(clock, boot_id)), ("clock_offset", offset_us), ("clock_mark", mark_us)]
    )
    return StoreClock(clock, offset_us, mark_us)


def unkept_anchor(connection: sqlite3.Connection, clock: Clock) -> StoreClock:
    """Return the clock of one who only reads, in a boot that has not started it yet: it is not kept in the file."""
    stored = _stored(connection)
    start_us = max(to_us(clock.now()), stored.mark_us if stored else 0)
    return StoreClock(clock, start_us - _elapsed_us(clock), start_us)


_shared: weakref.WeakValueDictionary[tuple[int, int, int, int], StoreClock] = weakref.WeakValueDictionary()
_sharing = threading.Lock()


def shared(file: tuple[int, int], clock: Clock, mine: StoreClock) -> StoreClock:
    """Return the one StoreClock of this process for *file*, by device and inode, and *clock*: the first is *mine*."""
    # A StoreClock keeps its clock alive, so the id of a live entry's clock is nobody else's.
    key = (os.getpid(), *file, id(clock))
    with _sharing:
        return _shared.setdefault(key, mine)
