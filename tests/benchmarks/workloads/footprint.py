"""How much a store holds, and whether a move takes longer with what is behind it."""

from pathlib import Path

from tai_state import PersistenceConfig, StateMachinePersister
from tests.benchmarks.harness import Claim, Workload
from tests.benchmarks.ours import MACHINE, Ours, Reading
from tests.benchmarks.peers import EVENTS, CachedAggregate

LONG = 10_000


def file_bytes(folder: Path) -> int:
    """Return the size of a store's files, once it is closed."""
    return sum(path.stat().st_size for path in folder.iterdir())


class OurFile(Ours):
    """A file of 10,000 events."""

    def __init__(self, config: PersistenceConfig | None = None) -> None:
        super().__init__("sqlite", synchronous="NORMAL")
        self._config = config

    def setup(self, folder: Path) -> None:
        super().setup(folder)
        self.persister = StateMachinePersister(self.store, MACHINE, self._config)
        self._folder = folder
        for _ in range(LONG - 1):
            super().step()

    def step(self) -> int:
        self.store.close()
        return file_bytes(self._folder)


class TheirFile(CachedAggregate):
    """A file of 10,000 events of eventsourcing's."""

    def setup(self, folder: Path) -> None:
        super().setup(folder)
        self._folder = folder
        for _ in range(LONG // EVENTS):
            self.many(EVENTS)

    def step(self) -> int:
        self.app.close()
        return file_bytes(self._folder)

    def teardown(self) -> None:
        pass


def again(ours: Reading) -> None:
    """Move the state once more."""
    ours.persister.transition("g", "s0", "add")


WORKLOADS = [
    Workload(
        "size",
        f"bytes of a store of {LONG:,} events",
        {
            "tai_state": OurFile,
            "tai_state, sealed alone": lambda: OurFile(PersistenceConfig(compact_sealed=True)),
            "eventsourcing": lambda: TheirFile("sqlite"),
        },
        [Claim(ours, "eventsourcing", 1.5, 1, less=True) for ours in ("tai_state", "tai_state, sealed alone")],
        unit="bytes",
        once=True,
    ),
    Workload(
        "growth",
        "CPU of a transition behind a long history, and beside many states",
        {
            "new": lambda: Ours("sqlite", synchronous="NORMAL"),
            f"after {LONG:,}": lambda: Reading("sqlite", LONG, again, synchronous="NORMAL"),
            "beside 2,000 states": lambda: Ours("sqlite", 2_000, synchronous="NORMAL"),
        },
        [
            Claim(f"after {LONG:,}", "new", 1.2, 1.1, less=True),
            Claim("beside 2,000 states", "new", 1.2, 1.1, less=True),
        ],
        unit="us CPU",
    ),
]
