"""Four processes of several threads each change the same keys: nothing is lost, nothing counts twice."""

from pathlib import Path

import pytest

from tai_state import StateMachinePersister, connect
from tai_state.keys import Keys
from tests.integration.racing import raced

CALLER = Path(__file__).with_name("caller.py")
PROCESSES, THREADS, SECONDS = 4, 4, 100


@pytest.mark.timeout(240)
def test_processes_lose_nothing_and_one_swap_wins(url, scale):
    """Each increment is told another sum, each item is there once and in order, and exactly one swap wins."""
    changes = scale(5, 25)
    with connect(url, actor="tester") as store:
        keys = Keys(store, "shared")
        keys.set("owner", "nobody")
        calls = [(url, str(number), str(changes), str(THREADS)) for number in range(PROCESSES)]
        told = raced(CALLER, calls, SECONDS)
        most = PROCESSES * changes
        assert sorted(number for one in told for number in one["sums"]) == list(range(1, most + 1))
        assert keys.get("sum") == most
        kept = keys.get("list")
        assert sorted(kept) == sorted(name for one in told for name in one["names"])
        assert [event.payload["items"] for event in keys.history("list")] == [[item] for item in kept]
        assert all(one["last"] == one["names"] for one in told)
        (winner,) = [name for one in told for name in one["won"]]
        assert keys.get("owner") == winner
        assert StateMachinePersister(store).validate_consistency(keys.governor_id).problems == []
