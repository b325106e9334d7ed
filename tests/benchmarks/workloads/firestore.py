"""One durable transition on Firestore's emulator: by one caller, over thirty-two machines, and on one."""

from collections.abc import Callable

from tests.benchmarks.harness import Claim, Subject, Workload
from tests.benchmarks.official import GuardedBatch, OfficialTasks, Prebuilt, PrebuiltTasks
from tests.benchmarks.ours import CALLERS, Ours, Tasks

ONE: dict[str, Callable[[], Subject]] = {
    "prebuilt bytes": Prebuilt,
    "official batch": GuardedBatch,
    "tai_state": lambda: Ours("firestore"),
}

WORKLOADS = [
    Workload(
        "w1-firestore",
        "one durable transition, the version known",
        ONE,
        [Claim("tai_state", "prebuilt bytes", 1 / 1.3, 1 / 1.15)],
        needs_emulator=True,
    ),
    Workload(
        "w1-firestore-cpu",
        "CPU of one durable transition, the version known",
        ONE,
        [Claim("tai_state", "official batch", 0.4, 0.3, less=True)],
        unit="us CPU",
        needs_emulator=True,
    ),
    Workload(
        "w1-firestore-32",
        "32 callers on 32 states",
        {
            "prebuilt bytes": PrebuiltTasks,
            "official batch": lambda: OfficialTasks(CALLERS, 8),
            "tai_state": lambda: Tasks("firestore", CALLERS, CALLERS),
        },
        [Claim("tai_state", "prebuilt bytes", 0.6, 0.8), Claim("tai_state", "official batch", 1.5)],
        needs_emulator=True,
    ),
    Workload(
        "hot-firestore",
        "32 callers on one state",
        {"official loop": lambda: OfficialTasks(1, 1), "tai_state": lambda: Tasks("firestore", 1, CALLERS)},
        [Claim("tai_state", "official loop", 50, 200)],
        needs_emulator=True,
    ),
]
