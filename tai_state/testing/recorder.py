"""A recorder of what clients asked and were told, which outlives their deaths."""

import itertools
import json
import threading
from collections.abc import Iterable
from dataclasses import asdict, replace
from math import inf
from typing import IO, Any

from tai_state.clock import Clock, SystemClock
from tai_state.testing.linearizability import Call, Move, Moved, Operation, Read, Refused, Reply, Seen

_CALLS: dict[str, type[Read | Move]] = {"Read": Read, "Move": Move}
_REPLIES: dict[str, type[Seen | Moved | Refused]] = {"Seen": Seen, "Moved": Moved, "Refused": Refused}


class Recorder:
    """Notes the calls of one client; several threads may share it.

    With a *stream*, each note is a line of JSON, flushed at once: a client that is killed leaves its unfinished
    calls there, as calls without a reply. The clock must be one for all clients, as the host's boot clock is.
    """

    def __init__(self, client: str, *, stream: IO[str] | None = None, clock: Clock | None = None) -> None:
        """Begin with no calls."""
        self._client = client
        self._stream = stream
        self._clock = clock if clock is not None else SystemClock()
        self._numbers = itertools.count()
        self._operations: dict[int, Operation] = {}
        self._lock = threading.Lock()

    def begin(self, key: str, call: Call) -> int:
        """Note that *call* is about to be made, and return its number."""
        with self._lock:
            number = next(self._numbers)
            operation = Operation(key, self._client, call, self._clock.monotonic())
            self._operations[number] = operation
            self._write({"number": number, "key": key, "at": operation.began, "call": _told(call)})
        return number

    def end(self, number: int, reply: Reply) -> None:
        """Note the *reply* to call *number*; a call whose outcome is unknown is never ended."""
        with self._lock:
            ended = self._clock.monotonic()
            self._operations[number] = replace(self._operations[number], ended=ended, reply=reply)
            self._write({"number": number, "at": ended, "reply": _told(reply)})

    def withdraw(self, number: int) -> None:
        """Note that call *number* changed nothing, and was told nothing that could be held against others."""
        with self._lock:
            del self._operations[number]
            self._write({"number": number, "withdrawn": True})

    def operations(self) -> list[Operation]:
        """Return the calls so far."""
        with self._lock:
            return list(self._operations.values())

    def _write(self, note: dict[str, Any]) -> None:
        if self._stream is not None:
            self._stream.write(json.dumps(note) + "\n")
            self._stream.flush()


def recorded(client: str, lines: Iterable[str]) -> list[Operation]:
    """Return the calls in the stream of one client; a last line that a kill cut off is left out."""
    operations: dict[int, Operation] = {}
    for line in lines:
        if not line.endswith("\n"):
            break
        note = json.loads(line)
        number = note["number"]
        if "call" in note:
            call = _CALLS[note["call"].pop("is")](**note["call"])
            operations[number] = Operation(note["key"], client, call, note["at"], inf)
        elif "withdrawn" in note:
            del operations[number]
        else:
            reply = _REPLIES[note["reply"].pop("is")](**note["reply"])
            operations[number] = replace(operations[number], ended=note["at"], reply=reply)
    return list(operations.values())


def _told(value: Call | Reply) -> dict[str, Any]:
    return {"is": type(value).__name__, **asdict(value)}
