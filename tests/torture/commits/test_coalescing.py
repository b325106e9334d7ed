"""Kills around commits that make what several callers want: each is made once, or was never acknowledged."""

import os
import time
from collections import Counter

import pytest

from tai_state import StateMachinePersister, connect
from tests.chaos import coalesced
from tests.chaos.coalesced import COUNTER, GOVERNOR, STATE, Work
from tests.chaos.crew import Crew, Member

SEED = os.environ.get("TORTURE_SEED", "coalesced")
WORKERS = 2
CALLERS = 8
SHARE = {"sqlite": 150, "firestore": 60}
DOOM = 0.1
SECONDS_MAX = 900.0


def run(works):
    """Let workers live again until all that they were told is done; return how often one was killed."""
    members = [Member(work.name, work, coalesced.work) for work in works]
    return Crew(members, seed=SEED).run(seconds_max=SECONDS_MAX).kills


def notes(folder):
    """Return how many commits made several changes, how many changes those were, and when workers were killed."""
    lines = [line for path in folder.glob("*.notes") for line in path.read_text(encoding="utf-8").splitlines()]
    sizes = [int(line) for line in lines if line.isdigit()]
    return len(sizes), sum(sizes), Counter(line for line in lines if not line.isdigit())


@pytest.mark.torture
@pytest.mark.parametrize("is_async", [False, True], ids=["threads", "tasks"])
def test_what_goes_with_another_caller_s_commit_is_made_once(place, kind, is_async, tmp_path, tell):
    """However its process ends: under its key nothing is made twice, and nothing that was acknowledged is lost."""
    url, host = place
    with connect(url, actor="tester") as store:
        persister = StateMachinePersister(store, COUNTER)
        persister.start(GOVERNOR, STATE, {"n": 0})
        share, began = SHARE[kind], time.monotonic()
        works = [
            Work(url, tmp_path, f"w{n}", CALLERS, share, DOOM, SEED, is_async=is_async, host=host)
            for n in range(WORKERS)
        ]
        kills = run(works)
        commits, changes, moments = notes(tmp_path)
        seconds = time.monotonic() - began
        total = WORKERS * CALLERS * share
        tell(
            f"coalesced on {kind}, {'tasks' if is_async else 'threads'}: {total} moves, {changes} of them asked for in "
            f"{commits} commits of several, {kills} kills {dict(moments)}, {seconds:.0f} s"
        )
        events = {event.idempotency_key: event.version for event in store.get_events(GOVERNOR, STATE)}
        told = {key: version for work in works for key, version in coalesced.acknowledged(work).items()}
        snapshot, version = store.get_state(GOVERNOR, STATE)
        # Each key once, and where it was said to be.
        assert version == len(events) == total + 1
        assert {key: made for key, made in events.items() if key is not None} == told
        assert snapshot.data == {"n": total}
        assert persister.validate_consistency(GOVERNOR).problems == []
    assert kills >= 10
    assert min(moments[moment] for moment in ("before", "within", "behind")) >= 2
    assert changes >= total // 4


@pytest.mark.torture
def test_without_keys_moves_are_found_to_be_made_twice(tmp_path):
    """Where a process is killed behind a commit, and does not know."""
    url = f"sqlite:///{tmp_path / 'store.db'}"
    with connect(url, actor="tester") as store:
        StateMachinePersister(store, COUNTER).start(GOVERNOR, STATE, {"n": 0})
        work = Work(url, tmp_path, "w0", CALLERS, 100, DOOM, SEED, keys=False)
        assert run([work]) >= 5
        _, version = store.get_state(GOVERNOR, STATE)
    assert version > CALLERS * 100 + 1
