"""How long one caller waits for one call, the slowest of twenty, beside what is usually asked of such a store."""

from collections.abc import Callable
from pathlib import Path
from statistics import quantiles
from time import perf_counter_ns

from tai_state import StateMachinePersister, Transaction, TransactionManager
from tests.benchmarks.harness import Claim, Workload
from tests.benchmarks.ours import DATA, MACHINE, Ours

CALLS, BEHIND = 200, 1_000


class Latency(Ours):
    """Calls one after the other; a step is the 95th percentile of them, in microseconds."""

    def __init__(self, engine: str, call: Callable[["Latency", int], object], moves: int = 0) -> None:
        super().__init__(engine, states=2)
        self._call, self._moves = call, moves

    def setup(self, folder: Path) -> None:
        super().setup(folder)
        for _ in range(self._moves):
            self.persister.transition("g", "s0", "add")
        self._call(self, CALLS)

    def step(self) -> int:
        passed = []
        for number in range(CALLS):
            began = perf_counter_ns()
            self._call(self, number)
            passed.append(perf_counter_ns() - began)
        return round(quantiles(passed, n=20)[-1] / 1_000)


class Target:
    """So many milliseconds."""

    def __init__(self, milliseconds: int) -> None:
        self._microseconds = milliseconds * 1_000

    def setup(self, folder: Path) -> None:
        pass

    def step(self) -> int:
        return self._microseconds

    def teardown(self) -> None:
        pass


def save(ours: Latency, number: int) -> None:
    """Create a state."""
    ours.store.save_state("saved", f"s{number}", DATA)


def get(ours: Latency, _: int) -> None:
    """Read a state."""
    ours.store.get_state("g", "s0")


def update(ours: Latency, _: int) -> None:
    """Read a state, and write it on the version that was read."""
    state, version = ours.store.get_state("g", "s0")
    ours.store.update_state("g", "s0", {**state.data, "n": version}, version)


def transaction(ours: Latency, number: int) -> None:
    """Read two states and write both, in one commit."""

    def both(tx: Transaction) -> None:
        for state in tx.batch_get_states("g", ["s0", "s1"]).found.values():
            tx.save_state("g", state.state_id, {**state.data, "n": number})

    TransactionManager(ours.store).run(both)


def recovery(ours: Latency, _: int) -> None:
    """Fold all events of a state with a thousand, as if nothing else were left of it."""
    replayed = StateMachinePersister(ours.store, MACHINE).replay("g", "s0")
    assert replayed.version == BEHIND + 1


TARGETS = {save: 100, get: 50, update: 200, transaction: 300, recovery: 500}
"""Milliseconds: what is usually asked of a store of states in the cloud."""


def latencies(engine: str) -> Workload:
    """Return the workload of an engine."""
    ours = {
        call.__name__: lambda call=call: Latency(engine, call, BEHIND if call is recovery else 0) for call in TARGETS
    }
    targets = {f"{limit} ms": lambda limit=limit: Target(limit) for limit in TARGETS.values()}
    return Workload(
        f"latency-{engine}",
        f"one call, 95 of 100 are faster ({engine})",
        {**ours, **targets},
        [Claim(call.__name__, f"{limit} ms", 1, less=True) for call, limit in TARGETS.items()],
        unit="us",
        once=True,
        needs_emulator=engine == "firestore",
    )


WORKLOADS = [latencies("sqlite"), latencies("firestore")]
