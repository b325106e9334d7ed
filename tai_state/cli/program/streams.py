"""The standard streams: what we were started without, and what they cannot show or take any more."""

import io
import os
import sys

STDIN, STDOUT, STDERR = 0, 1, 2

# The other way round for the first two: to read from what is open to write is refused, and so is to write to what is
# open to read. What stderr would have said is lost; the exit code says the rest.
_IN_PLACE_OF_CLOSED = {STDIN: os.O_WRONLY, STDOUT: os.O_RDONLY, STDERR: os.O_WRONLY}


def prepare_streams() -> None:
    """Make the standard streams safe to use.

    One that was closed before we began gets a place that refuses to be read or written, so that its absence is an
    error like any other, and no file that is opened later, a store's perhaps, gets its number. A terminal or a
    file that cannot show a character gets its escape instead of our death.
    """
    for descriptor in (STDIN, STDOUT, STDERR):
        _occupy(descriptor)
    if sys.stdin is None:
        sys.stdin = _stream(STDIN, "r")
    if sys.stdout is None:
        sys.stdout = _stream(STDOUT, "w")
    if sys.stderr is None:
        sys.stderr = _stream(STDERR, "w")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _occupy(descriptor: int) -> None:
    try:
        os.fstat(descriptor)
    except OSError:
        opened = os.open(os.devnull, _IN_PLACE_OF_CLOSED[descriptor])
        if opened != descriptor:
            os.dup2(opened, descriptor)
            os.close(opened)


def _stream(descriptor: int, mode: str) -> io.TextIOWrapper:
    raw = io.FileIO(descriptor, mode, closefd=False)
    buffered = io.BufferedReader(raw) if mode == "r" else io.BufferedWriter(raw)
    return io.TextIOWrapper(buffered, encoding="utf-8")


def drop_output() -> None:
    """Send what is still to be written to stdout nowhere: its reader has gone, and at exit there would be an error."""
    try:
        descriptor = sys.stdout.fileno()
    except (OSError, ValueError):
        return  # a stream of the program that calls us, which has no file beneath
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
