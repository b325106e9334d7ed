"""Thousands of jobs, and workers that are killed, fail and get stuck: each succeeds once, or fails when it should."""

import os
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tai_state import StateMachinePersister, connect
from tai_state.jobs import JobQueue
from tests.chaos import jobbing
from tests.chaos.crew import Crew, Member
from tests.chaos.jobbing import MAX_ATTEMPTS, PATIENT, QUEUE, Crowd

SEED = os.environ.get("TORTURE_SEED", "jobs")
JOBS = {
    "sqlite": int(os.environ.get("TORTURE_JOBS", "5000")),
    "firestore": int(os.environ.get("TORTURE_JOBS", "1500")),
}
WORKERS, CALLERS = 8, 4
LEASES = {"sqlite": 3.0, "firestore": 5.0}
KILLS_PER_SECOND = 0.5
SECONDS_MAX = 900.0
ENDS = {"complete", "fail", "expire"}


def run(crowds):
    """Let workers live again until all jobs have ended; return how often one was killed."""
    members = [Member(crowd.name, crowd, jobbing.work) for crowd in crowds]
    return Crew(members, seed=SEED, kills_per_second=KILLS_PER_SECOND).run(seconds_max=SECONDS_MAX).kills


def told(folder):
    """Return what the workers wrote down: what happened, by how often, and which jobs were completed, in order."""
    lines = [
        line.split() for path in folder.glob("*.journal") for line in path.read_text(encoding="utf-8").splitlines()
    ]
    whole = [line for line in lines if len(line) == 2]
    return Counter(what for what, _ in whole), [id_ for what, id_ in whole if what == "completed"]


def judged(info, events):
    """Return what is wrong with a job, by its history."""
    steps = [event.action for event in events]
    claims = [event.payload["claim"] for event in events if event.action == "claim"]
    # Each claim is ended before the next one, by whoever had it, or by its lease.
    wanted = ["start"] + [step for pair in zip(["claim"] * len(claims), steps[2::2], strict=False) for step in pair]
    if steps != wanted or not set(steps[2::2]) <= ENDS:
        return f"its steps are {steps}"
    if info.attempts != len(claims) or len(claims) > MAX_ATTEMPTS:
        return f"{len(claims)} claims, {info.attempts} attempts"
    last = events[-1]
    if last.action != "expire" and last.payload["claim"] != claims[-1]:
        return "another claim than its last one has ended it"
    if info.status == "succeeded":
        is_right = steps.count("complete") == 1 and info.result == {"attempt": len(claims)} and info.last_error is None
        return None if is_right else f"succeeded with {info.result}, {info.last_error}"
    is_spent = info.status == "failed" and len(claims) == MAX_ATTEMPTS and info.last_error
    return None if is_spent else f"{info.status} after {len(claims)} attempts: {info.last_error}"


@pytest.mark.torture
def test_each_job_succeeds_once_or_fails_when_its_attempts_are_spent(place, kind, tmp_path, tell):
    """However the processes end that hold them; and none is lost."""
    url, host = place
    if host is not None:
        os.environ.setdefault("FIRESTORE_EMULATOR_HOST", host)
    with connect(url, actor="tester", retry=PATIENT) as store:
        queue, began = JobQueue(store, QUEUE), time.monotonic()
        names = [f"job-{number}" for number in range(JOBS[kind])]
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda name: queue.enqueue({"of": name}, job_id=name), names))
        crowds = [Crowd(url, tmp_path, f"w{n}", CALLERS, LEASES[kind], SEED, host) for n in range(WORKERS)]
        kills = run(crowds)
        seconds = time.monotonic() - began
        happened, completed = told(tmp_path)
        counts = queue.counts()
        tell(f"jobs on {kind}: {counts}, {kills} kills, {dict(happened)}, {seconds:.0f} s")
        assert counts["succeeded"] + counts["failed"] == len(names)
        events = {name: list(store.get_events(f"jobs:{QUEUE}", name)) for name in names}
        infos = {name: queue.get(name) for name in names}
        assert {name: wrong for name in names if (wrong := judged(infos[name], events[name]))} == {}
        # What was acknowledged is so, and was acknowledged to one.
        assert [name for name, count in Counter(completed).items() if count > 1] == []
        assert [name for name in completed if infos[name].status != "succeeded"] == []
        assert StateMachinePersister(store).validate_consistency(f"jobs:{QUEUE}").problems == []
    assert counts["failed"] > 0
    assert kills >= 20
    assert min(happened[what] for what in ("failed", "died", "lost")) > 0
