"""This process among all others of its host: its stamp, and whether the process of another stamp is dead."""

import os
from pathlib import Path

from tai_state._platform.interrupts import Deferral
from tai_state.rules.locking.owners import ProcessStamp

_PROC = Path("/proc")

# The fields of /proc/PID/stat behind the program's name, which may hold blanks and brackets (proc(5)).
_STATE, _START = 0, 19

_stamps: dict[int, ProcessStamp | None] = {}


def this_process() -> ProcessStamp | None:
    """Return the stamp of the running process; None where the system does not tell all of it."""
    pid = os.getpid()
    # By its number: a forked child is another process.
    if pid not in _stamps:
        _stamps.clear()
        _stamps[pid] = _read_stamp(pid)
    return _stamps[pid]


def _read_stamp(pid: int) -> ProcessStamp | None:
    try:
        with Deferral():
            boot_id = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        namespace = str((_PROC / "self/ns/pid").readlink())
        return ProcessStamp(boot_id, namespace, pid, int(_stat(pid)[_START]))
    except (OSError, ValueError, IndexError):
        return None


def _stat(pid: int) -> list[str]:
    # An interrupt between the opening and the block that closes would leave the file open.
    with Deferral():
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    return text.rpartition(")")[2].split()


def is_dead(stamp: ProcessStamp) -> bool:
    """Whether the process of *stamp* is known to have ended.

    Known is only what this process can see: of another boot, another PID namespace (a container beside us) or another
    host it says nothing, and such a process counts as alive.
    """
    here = this_process()
    if here is None or not stamp.is_seen_from(here):
        return False
    try:
        os.kill(stamp.pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass  # it exists, and is somebody else's
    try:
        told = _stat(stamp.pid)
        # Its number was given again; or it has ended, and only its parent has not looked yet. A process whose first
        # thread alone has ended looks the same, but for its other threads.
        is_zombie = told[_STATE] in {"Z", "X"} and len(list((_PROC / str(stamp.pid) / "task").iterdir())) <= 1
        return int(told[_START]) != stamp.started or is_zombie
    except (OSError, ValueError, IndexError):
        return False
