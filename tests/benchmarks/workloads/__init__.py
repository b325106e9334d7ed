"""The workloads by name, a file for each kind of work."""

from tests.benchmarks.workloads import (
    batches,
    bulk,
    firestore,
    footprint,
    jobs,
    latencies,
    locks,
    memory,
    reads,
    redis,
    served,
    sqlite,
    start_up,
)

WORKLOADS = {
    workload.name: workload
    for module in (
        sqlite,
        memory,
        firestore,
        redis,
        reads,
        bulk,
        locks,
        latencies,
        jobs,
        batches,
        served,
        start_up,
        footprint,
    )
    for workload in module.WORKLOADS
}
