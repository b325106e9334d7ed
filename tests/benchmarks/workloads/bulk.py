"""Many moves at once: on one machine, and over many."""

from itertools import cycle
from pathlib import Path

from tai_state import TransitionRequest
from tests.benchmarks.harness import Claim, Workload
from tests.benchmarks.official import GuardedBatch
from tests.benchmarks.ours import Ours
from tests.benchmarks.peers import EVENTS, AggregateBatches


class Many(Ours):
    """``transition_many`` with 500 requests."""

    def setup(self, folder: Path) -> None:
        super().setup(folder)
        names = cycle(f"s{index}" for index in range(self._states))
        self._requests = [TransitionRequest("g", next(names), "add") for _ in range(EVENTS)]

    def step(self) -> int:
        for result in self.persister.transition_many(self._requests):
            assert not isinstance(result, Exception), result
        return EVENTS


class OfficialBatches(GuardedBatch):
    """The official client: batches of 500 writes, which are 250 states with their events."""

    def step(self) -> int:
        batch = self.database.batch()
        for _ in range(EVENTS // 2):
            version = next(self._versions)
            batch.set(self.tenant.collection("states").document(f"s{version % 250}"), self.state)
            batch.create(self.tenant.collection("events").document(f"s0@{version:019d}"), self.event)
        batch.commit()
        return EVENTS // 2


WORKLOADS = [
    Workload(
        "bulk-sqlite",
        "events of transition_many",
        {
            "one machine": lambda: Many("sqlite"),
            "500 machines": lambda: Many("sqlite", EVENTS),
            "eventsourcing": lambda: AggregateBatches("sqlite"),
        },
        [Claim("one machine", "eventsourcing", 0.6, 1.5), Claim("500 machines", "eventsourcing", 0.6, 1.5)],
    ),
    Workload(
        "bulk-firestore",
        "events of transition_many",
        {"one machine": lambda: Many("firestore"), "official batches": OfficialBatches},
        [Claim("one machine", "official batches", 3)],
        needs_emulator=True,
    ),
]
