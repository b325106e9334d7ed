"""What a check and a recovery cost, in seconds of CPU, held against what replaying the same states costs."""

import time

import pytest

from tai_state import SqliteStore, StateMachinePersister, recover, verify
from tests.data_log import log_lines

pytestmark = pytest.mark.more

CHECK_RATIO_MAX = 1.5
"""A check reads snapshots, segments and receipts beside the events that a replay reads."""

NOISE = 1.15
ROUNDS = 3


def filled(path, count):
    """Return a store with *count* changes of the seeded log."""
    store = SqliteStore(path, actor="tester", synchronous="NORMAL")
    persister = StateMachinePersister(store)
    for line in log_lines(count):
        persister.log_transition(line["governor"], line["machine"], line["to"], to_status=line["to"], data=line["data"])
    return store


def cost(call):
    """Return the least CPU of a few calls, in seconds: what else runs only adds to it."""
    seconds = []
    for _ in range(ROUNDS):
        began = time.process_time()
        call()
        seconds.append(time.process_time() - began)
    return min(seconds)


def costs(store):
    """Return what replaying, checking and recovering every state of *store* costs."""
    persister = StateMachinePersister(store)

    def replay():
        for governor_id in store.list_governors():
            for state in store.list_states(governor_id):
                persister.replay(governor_id, state.state_id)

    def check():
        assert all(report.is_consistent for report in verify(store))

    def mend():
        assert all(report.is_sound and not report.repaired for report in recover(store))

    return cost(replay), cost(check), cost(mend)


def test_a_check_costs_little_more_than_a_replay(tmp_path):
    """At most half as much again; a recovery of what is sound no more than the check; neither grows with the store."""
    found: dict[int, float] = {}
    for count in (2_000, 8_000):
        with filled(tmp_path / f"{count}.db", count) as store:
            replay, check, mend = costs(store)
        assert check <= CHECK_RATIO_MAX * replay
        assert mend <= NOISE * check
        found[count] = check / count
    assert found[8_000] <= NOISE * found[2_000]
