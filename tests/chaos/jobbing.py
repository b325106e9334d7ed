"""Workers that take jobs from one queue, several at once in a process; some fail, get stuck, or die with a job."""

import os
import random
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tai_state import LockLostError, OutcomeUnknownError, RetryPolicy, connect
from tai_state.jobs import Job, JobQueue
from tai_state.testing.firestore_emulator import HOST_VARIABLE
from tests.chaos.coalesced import strike
from tests.children import end_with_parent

QUEUE = "torture"
MAX_ATTEMPTS = 4
PATIENT = RetryPolicy(wait_initial=0.005, wait_max=0.1, deadline=120.0)
AT_ONCE = RetryPolicy(wait_initial=0.02, wait_max=0.2)
FATES = {"fail": 0.08, "stuck": 0.01, "slow": 0.01, "die": 0.01}
"""How often an attempt ends otherwise than well: what it is, by how likely."""
HOPELESS = 0.03
"""How many of the jobs fail however often they are tried."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """What a worker is told.

    Args:
        callers: How many take jobs at once.
        lease: In seconds.
        host: Where the emulator is found.
    """

    url: str
    folder: Path
    name: str
    callers: int
    lease: float
    seed: str
    host: str | None = None
    seconds_max: int = 900


def fate_of(seed: str, job_id: str, attempt: int) -> str:
    """Return how an attempt at a job ends: the same, whoever makes it."""
    if random.Random(f"{seed}/{job_id}").random() < HOPELESS:
        return "fail"
    left = random.Random(f"{seed}/{job_id}/{attempt}").random()
    for fate, likely in FATES.items():
        if left < likely:
            return fate
        left -= likely
    return "well"


def work(told: Crowd, life: int) -> None:
    """Take jobs until all have ended."""
    end_with_parent()
    signal.alarm(told.seconds_max)
    if told.host is not None:
        os.environ[HOST_VARIABLE] = told.host
    journal = (told.folder / f"{told.name}.{life}.journal").open("a", encoding="utf-8")
    with connect(told.url, actor=told.name, retry=PATIENT) as store:
        queue = JobQueue(store, QUEUE, max_attempts=MAX_ATTEMPTS, lease=told.lease, backoff=AT_ONCE)

        def note(what: str, job: Job) -> None:
            journal.write(f"{what} {job.id}\n")
            journal.flush()

        def take() -> None:
            while True:
                job = queue.claim(told.name)
                if job is not None:
                    _attempt(told, job, note)
                elif not _is_left(queue):
                    return
                else:
                    time.sleep(0.05)

        threads = [threading.Thread(target=take) for _ in range(told.callers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def _is_left(queue: JobQueue) -> bool:
    counts = queue.counts()
    return counts["queued"] + counts["running"] > 0


def _attempt(told: Crowd, job: Job, note: Callable[[str, Job], None]) -> None:
    fate = fate_of(told.seed, job.id, job.attempts)
    try:
        if fate == "die":
            note("died", job)
            strike()
        if fate == "stuck":
            time.sleep(1.5 * told.lease)
        for _ in range(8 if fate == "slow" else 0):
            time.sleep(told.lease / 4)
            job.heartbeat()
        if fate == "fail":
            job.fail(f"attempt {job.attempts} was to fail")
            note("failed", job)
        else:
            job.complete({"attempt": job.attempts})
            note("completed", job)
    except LockLostError:
        note("lost", job)
    except OutcomeUnknownError:
        note("unknown", job)
