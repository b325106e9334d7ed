"""Thousands of moves from sixteen tasks, whose processes are killed and begin anew: each is made once."""

import os
import time

import pytest

from tai_state import StateMachinePersister, connect, verify
from tests.chaos import batching
from tests.chaos.batching import COUNTER, PATIENT, Share, counted
from tests.chaos.crew import Crew, Member

SEED = os.environ.get("TAI_STATE_TORTURE_SEED", "batches")
ITEMS, STATES, WORKERS, TASKS = 20_000, 500, 4, 4
KILLS_PER_SECOND = 1.0
SECONDS_MAX = 900.0


@pytest.mark.torture
def test_every_item_is_there_once(place, kind, tmp_path, tell):
    """Whatever was acknowledged, and whoever had to put it again."""
    url, host = place
    if host is not None:
        os.environ.setdefault("FIRESTORE_EMULATOR_HOST", host)
    with connect(url, actor="tester", retry=PATIENT) as store:
        persister, began = StateMachinePersister(store, COUNTER), time.monotonic()
        for number in range(STATES):
            persister.start("g", f"s{number}", {"n": 0, "last": None})
        shares = [Share(url, tmp_path, f"w{n}", range(n, ITEMS, WORKERS), STATES, TASKS, host) for n in range(WORKERS)]
        members = [Member(share.name, share, batching.work) for share in shares]
        figures = Crew(members, seed=SEED, kills_per_second=KILLS_PER_SECOND).run(seconds_max=SECONDS_MAX)
        kills, seconds = figures.kills, time.monotonic() - began
        tell(f"batches on {kind}: {ITEMS:,} items, {kills} kills, {seconds:.0f} s")
        acknowledged = set().union(*(share.acknowledged() for share in shares))
        assert acknowledged == set(range(ITEMS))
        found = {number: counted(persister.history("g", f"s{number}")) for number in range(STATES)}
        assert {number: sorted(items) for number, items in found.items()} == {
            number: list(range(number, ITEMS, STATES)) for number in range(STATES)
        }
        assert {persister.load_state("g", f"s{number}").snapshot.data["n"] for number in range(STATES)} == {
            ITEMS // STATES
        }
        # State by state: the emulator takes half an hour to list as many receipts as there are.
        assert [
            one for number in range(STATES) for report in verify(store, "g", f"s{number}") for one in report.problems
        ] == []
    assert kills >= 10
