"""Thousands of moves from sixteen tasks, whose processes are killed and begin anew: each is made once."""

import os
import time
from collections import defaultdict

import pytest

from tai_state import StateMachinePersister, connect
from tai_state._sync.access.access import LARGE_PAGE
from tai_state.layout import GovernorLayout, state_of
from tai_state.rules.records.documents import read_event
from tests.chaos import batching
from tests.chaos.batching import COUNTER, PATIENT, Share
from tests.chaos.crew import Crew, Member

SEED = os.environ.get("TORTURE_SEED", "batches")
ITEMS, STATES, WORKERS, TASKS = 20_000, 500, 4, 4
KILLS_PER_SECOND = {"sqlite": 5.0, "firestore": 1.0}
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
        figures = Crew(members, seed=SEED, kills_per_second=KILLS_PER_SECOND[kind]).run(seconds_max=SECONDS_MAX)
        kills, seconds = figures.kills, time.monotonic() - began
        tell(f"batches on {kind}: {ITEMS:,} items, {kills} kills, {seconds:.0f} s")
        acknowledged = set().union(*(share.acknowledged() for share in shares))
        assert acknowledged == set(range(ITEMS))
        # In one pass: the emulator goes through all events for each state whose own are asked for.
        made = defaultdict(list)
        for document in store.runtime.access.scan(GovernorLayout("g").events, page=LARGE_PAGE):
            event = read_event(document, *state_of(str(document.path)))
            if event.action == "add":
                made[event.state_id].append(event.payload.value())
        assert {state_id: sorted(items) for state_id, items in made.items()} == {
            f"s{number}": list(range(number, ITEMS, STATES)) for number in range(STATES)
        }
        assert {snapshot.data["n"] for snapshot in store.list_states("g")} == {ITEMS // STATES}
        began = time.monotonic()
        report = persister.validate_consistency("g")
        seconds = time.monotonic() - began
        tell(f"batches on {kind}: {report.events:,} events and their receipts checked in {seconds:.0f} s")
        assert report.problems == []
        assert (report.states, report.events) == (STATES, STATES + ITEMS)
    assert kills >= 10
