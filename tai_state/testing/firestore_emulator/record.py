"""The record of the detached emulator: one private file per user, and the lock that guards it."""

import contextlib
import errno
import fcntl
import json
import os
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from tai_state.errors import ConfigurationError, StoreUnavailableError
from tai_state.testing.firestore_emulator.readiness import START_TIMEOUT_SECONDS, wait_until


@dataclass(frozen=True, slots=True)
class EmulatorRecord:
    """A detached emulator: where it listens, its Java's pid, when it was started in Unix seconds."""

    host: str
    port: int
    pid: int
    started_at: float
    log_path: str


def runtime_file(suffix: str) -> Path:
    """Return this user's file for detached emulators: the record, the log or the lock."""
    return Path(tempfile.gettempdir()) / f"tai-state-emulator-{os.getuid()}.{suffix}"


def open_private(path: Path, flags: int) -> int:
    """Open *path*, in a folder where anybody may write, only as a regular file that is ours alone."""
    try:
        # NONBLOCK: opening a FIFO that somebody put there must not hang. It does nothing to a regular file.
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    except OSError as exc:
        if exc.errno not in (errno.ELOOP, errno.EACCES, errno.EPERM, errno.EISDIR, errno.ENXIO):
            raise
        raise ConfigurationError(f"{path} is not a private file of yours; see who made it, and remove it") from exc
    found = os.fstat(descriptor)
    if stat.S_ISREG(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077:
        return descriptor
    os.close(descriptor)
    raise ConfigurationError(f"{path} is not a private file of yours; see who made it, and remove it")


@contextlib.contextmanager
def record_lock() -> Iterator[None]:
    """Let one process at a time change the record."""
    descriptor = open_private(runtime_file("lock"), os.O_RDWR | os.O_CREAT)

    def taken() -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    try:
        if not wait_until(taken, 2 * START_TIMEOUT_SECONDS):
            raise StoreUnavailableError("another process is starting or stopping the emulator and does not finish")
        yield
    finally:
        os.close(descriptor)  # releases the lock


def read_record() -> EmulatorRecord | None:
    """Return what was recorded, or None when there is nothing readable; the emulator may be gone."""
    try:
        descriptor = open_private(runtime_file("json"), os.O_RDONLY)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        try:
            stored = json.load(file)
            return EmulatorRecord(
                host=str(stored["host"]),
                port=int(stored["port"]),
                pid=int(stored["pid"]),
                started_at=float(stored["started_at"]),
                log_path=str(stored["log_path"]),
            )
        except (ValueError, TypeError, KeyError):
            return None


def write_record(record: EmulatorRecord) -> None:
    """Record the one that runs. The record lock must be held."""
    path = runtime_file("json")
    # mkstemp creates it with mode 0600; the rename shows readers a whole record or none.
    descriptor, temporary = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(record), file)
    Path(temporary).replace(path)
