"""Reading back: a full replay proven by the chain, the latest state, the last hundred events."""

import json
from pathlib import Path

from tests.benchmarks.harness import Claim, Workload
from tests.benchmarks.official import QueryStream, StreamedEvents
from tests.benchmarks.ours import DATA, Reading
from tests.benchmarks.peers import AggregateReading
from tests.benchmarks.workloads.sqlite import READ, move, opened

LONG, LONG_FIRESTORE, LAST = 10_000, 2_000, 100


def replay(ours: Reading) -> None:
    """Fold all events, trusting none of them."""
    assert ours.persister.replay("g", "s0").version == ours.moves + 1


def latest(ours: Reading) -> None:
    """Read the state."""
    assert ours.store.get_state("g", "s0")[1] == ours.moves + 1


def last(ours: Reading) -> None:
    """Read the last hundred events."""
    found = list(ours.store.get_events("g", "s0", after=ours.moves + 1 - LAST))
    assert len(found) == LAST


class RawLatest:
    """SELECT, and its JSON."""

    def setup(self, folder: Path) -> None:
        self._database = opened(folder)
        for _ in range(200):
            move(self._database, "s0")

    def step(self) -> int:
        _, text = self._database.execute(READ, ("s0",)).fetchone()
        assert json.loads(text).keys() == DATA.keys()
        return 1

    def teardown(self) -> None:
        self._database.close()


WORKLOADS = [
    Workload(
        "replay-sqlite",
        f"full replay of {LONG:,} events",
        {
            "tai_state": lambda: Reading("sqlite", LONG, replay, synchronous="NORMAL"),
            "eventsourcing": lambda: AggregateReading(LONG),
        },
        [Claim("tai_state", "eventsourcing", 4, 10)],
    ),
    Workload(
        "replay-firestore",
        f"full replay of {LONG_FIRESTORE:,} events",
        {
            "tai_state": lambda: Reading("firestore", LONG_FIRESTORE, replay),
            "official stream": lambda: QueryStream(LONG_FIRESTORE),
        },
        [Claim("tai_state", "official stream", 10, 25)],
        needs_emulator=True,
    ),
    Workload(
        "latest-sqlite",
        "latest state",
        {"tai_state": lambda: Reading("sqlite", 200, latest, synchronous="NORMAL"), "raw SELECT + json": RawLatest},
        [Claim("tai_state", "raw SELECT + json", 1 / 2, 1 / 1.5)],
    ),
    Workload(
        "last-sqlite",
        f"last {LAST} events",
        {
            "tai_state": lambda: Reading("sqlite", 1_000, last, synchronous="NORMAL"),
            "eventsourcing": lambda: AggregateReading(1_000, LAST),
        },
        [Claim("tai_state", "eventsourcing", 2)],
    ),
    Workload(
        "last-firestore",
        f"last {LAST} events",
        {
            "tai_state": lambda: Reading("firestore", 300, last),
            "official get_all": lambda: StreamedEvents(LAST),
        },
        [Claim("tai_state", "official get_all", 5)],
        needs_emulator=True,
    ),
]
