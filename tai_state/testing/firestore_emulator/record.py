"""The record of the detached emulator: one private file for each project folder of a user, and its lock."""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from tai_state.errors import ConfigurationError, StoreUnavailableError
from tai_state.testing.firestore_emulator.readiness import START_TIMEOUT_SECONDS, wait_until

_MARKS = ("pyproject.toml", "setup.py", ".git")
"""What lies in the folder of a project."""


@dataclass(frozen=True, slots=True)
class EmulatorRecord:
    """A detached emulator: where it listens, its Java's pid, when it was started (ISO 8601), for which folder."""

    host: str
    port: int
    pid: int
    started_at: str
    log_path: str
    folder: str


def project_folder() -> Path:
    """Return the folder whose emulator is meant: the nearest one upwards that is a project's, else the current one."""
    here = Path.cwd()
    return next((found for found in (here, *here.parents) if any((found / mark).exists() for mark in _MARKS)), here)


def runtime_file(suffix: str) -> Path:
    """Return the file of this user and project folder for detached emulators: the record, the log or the lock."""
    digest = hashlib.sha256(os.fsencode(project_folder().resolve())).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"tai-state-emulator-{os.getuid()}-{digest}.{suffix}"


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
                started_at=str(stored["started_at"]),
                log_path=str(stored["log_path"]),
                folder=str(stored["folder"]),
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
