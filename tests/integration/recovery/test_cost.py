"""What a check and a recovery cost, in seconds of CPU, held against what replaying the same states costs."""

import math
import time

import pytest

from tai_state import SqliteStore, StateMachinePersister, recover, verify
from tests.data_log import log_lines

pytestmark = pytest.mark.more

CHECK_RATIO_MAX = 1.5
"""A check reads snapshots, segments and receipts beside the events that a replay reads."""

SMALL, LARGE = 2_000, 8_000
NOISE = 1.15
ROUNDS = 5


def filled(path, count):
    """Return a store with *count* changes of the seeded log."""
    store = SqliteStore(path, actor="tester", synchronous="NORMAL")
    persister = StateMachinePersister(store)
    for line in log_lines(count):
        persister.log_transition(line["governor"], line["machine"], line["to"], to_status=line["to"], data=line["data"])
    return store


def calls_of(store):
    """Return what replays, checks and recovers every state of *store*."""
    persister = StateMachinePersister(store)

    def replay():
        for governor_id in store.list_governors():
            for state in store.list_states(governor_id):
                persister.replay(governor_id, state.state_id)

    def check():
        assert all(report.is_consistent for report in verify(store))

    def mend():
        assert all(report.is_sound and not report.repaired for report in recover(store))

    return {"replay": replay, "check": check, "mend": mend}


def costs(stores):
    """Return the least CPU of each call on each of *stores*, in seconds a change: what else runs only adds to it.

    In turns: a machine that is slower for a while is so for all of them.
    """
    calls = {(count, name): call for count, store in stores.items() for name, call in calls_of(store).items()}
    seconds = dict.fromkeys(calls, math.inf)
    for _ in range(ROUNDS):
        for (count, name), call in calls.items():
            began = time.process_time()
            call()
            seconds[count, name] = min(seconds[count, name], (time.process_time() - began) / count)
    return seconds


def test_a_check_costs_little_more_than_a_replay(tmp_path):
    """At most half as much again; a recovery of what is sound no more than the check; neither grows with the store."""
    with (
        filled(tmp_path / "small.db", SMALL) as small,
        filled(tmp_path / "large.db", LARGE) as large,
    ):
        found = costs({SMALL: small, LARGE: large})
    for count in (SMALL, LARGE):
        assert found[count, "check"] <= CHECK_RATIO_MAX * found[count, "replay"]
        assert found[count, "mend"] <= NOISE * found[count, "check"]
    assert found[LARGE, "check"] <= NOISE * found[SMALL, "check"]
