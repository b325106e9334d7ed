"""Jobs that thirty-two callers of one process claim and complete, beside the moves that as many make."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tai_state.jobs import JobQueue
from tests.benchmarks.harness import Claim, Workload
from tests.benchmarks.ours import CALLERS, DATA, Ours, Threads

_JOBS_EACH = 128
_MOVES_STEPS = 32


class Moves(Threads):
    """Thirty-two callers, each on a state of its own; a step tells their rate."""

    def step(self) -> int:
        began = time.perf_counter()
        count = sum(super(Moves, self).step() for _ in range(_MOVES_STEPS))
        return round(count / (time.perf_counter() - began))


class Jobs(Ours):
    """As many callers on one queue; a step tells the rate of their jobs, which were put there before."""

    def setup(self, folder: Path) -> None:
        super().setup(folder)
        self._queue = JobQueue(self.store, "bench")
        self._pool = ThreadPoolExecutor(CALLERS)

    def step(self) -> int:
        count = CALLERS * _JOBS_EACH
        list(self._pool.map(lambda _: self._queue.enqueue(DATA), range(count)))

        def work(_: int) -> None:
            for _ in range(_JOBS_EACH):
                job = self._queue.claim()
                assert job is not None
                job.complete()

        began = time.perf_counter()
        list(self._pool.map(work, range(CALLERS)))
        return round(count / (time.perf_counter() - began))


def _workload(engine: str) -> Workload:
    return Workload(
        f"jobs-{engine}",
        "32 callers: moves, and jobs claimed and completed",
        {"moves": lambda: Moves(engine, CALLERS), "jobs": lambda: Jobs(engine)},
        [Claim("jobs", "moves", 0.25, 0.33)],
        unit="a second",
        once=True,
        needs_emulator=engine == "firestore",
    )


WORKLOADS = [_workload(engine) for engine in ("sqlite", "memory", "firestore")]
