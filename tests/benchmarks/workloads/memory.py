"""What a transition costs beside any engine: CPU in memory, and the machine's step alone."""

import hashlib
from pathlib import Path
from typing import Any

import orjson

from tests.benchmarks.harness import Claim, Workload
from tests.benchmarks.ours import DATA, MACHINE, Ours, Tasks
from tests.benchmarks.peers import CachedAggregate


class Lean:
    """A function with the same documents and the same hash: what cannot be left out."""

    def setup(self, folder: Path) -> None:
        self._data: dict[str, Any] = dict(DATA)
        self._documents: dict[object, dict[str, Any]] = {}
        self._hash, self._version = "", 0

    def step(self) -> int:
        before = orjson.dumps(self._data, option=orjson.OPT_SORT_KEYS)
        self._data = {**self._data, "n": self._data["n"] + 1}
        after = orjson.dumps(self._data, option=orjson.OPT_SORT_KEYS)
        digests = [hashlib.sha256(part).hexdigest() for part in (before, after, b"null")]
        self._version += 1
        event = {"version": self._version, "action": "add", "previous": self._hash, "digests": digests}
        self._hash = hashlib.sha256(orjson.dumps(event)).hexdigest()
        self._documents["event", self._version] = {**event, "from": before, "to": after, "hash": self._hash}
        self._documents["state"] = {"version": self._version, "data": after, "hash": self._hash}
        return 1

    def teardown(self) -> None:
        pass


class Step:
    """The machine's move alone, a thousand times."""

    def setup(self, folder: Path) -> None:
        pass

    def step(self) -> int:
        for _ in range(1000):
            MACHINE.next("on", "add")
        return 1000

    def teardown(self) -> None:
        pass


class Microseconds:
    """A fixed number of CPU microseconds, for claims that are no ratio: it burns that long and counts one."""

    def setup(self, folder: Path) -> None:
        pass

    def step(self) -> int:
        from time import process_time_ns  # noqa: PLC0415 - the benchmark's own clock

        end = process_time_ns() + 100_000
        while process_time_ns() < end:
            pass
        return 1

    def teardown(self) -> None:
        pass


WORKLOADS = [
    Workload(
        "w1-memory",
        "CPU of one transition in memory",
        {
            "lean function": Lean,
            "100 us": Microseconds,
            "tai_state": lambda: Ours("memory"),
            "tai_state async": lambda: Tasks("memory"),
            "eventsourcing": lambda: CachedAggregate("memory"),
            "machine step": Step,
        },
        [
            Claim("tai_state", "100 us", 1.0, 0.5, less=True),
            Claim("tai_state async", "100 us", 1.0, 0.5, less=True),
            Claim("tai_state", "eventsourcing", 1 / 3, less=True),
            Claim("machine step", "100 us", 0.03, less=True),
        ],
        unit="us CPU",
    )
]
