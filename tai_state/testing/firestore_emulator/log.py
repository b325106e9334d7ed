"""The log of an emulator: the file that takes Java's output, read while Java writes it."""

import os
import tempfile
from pathlib import Path
from typing import BinaryIO

_TAIL_CHARACTERS = 4096


def open_log(path: str | os.PathLike[str] | None) -> BinaryIO:
    """Open the file that takes Java's output: *path*, emptied, or an unnamed one."""
    # Unnamed: it vanishes with its last descriptor, also when we are killed.
    return tempfile.TemporaryFile("w+b", buffering=0) if path is None else Path(path).open("w+b", buffering=0)


def log_tail(log: BinaryIO) -> str:
    """Return the end of what Java has written, for an error's message."""
    return log_text(log)[-_TAIL_CHARACTERS:]


def log_text(log: BinaryIO) -> str:
    """Return what Java has written."""
    # pread: Java writes through the same open file, and its offset must not move.
    return os.pread(log.fileno(), 1_000_000, 0).decode(errors="replace")
