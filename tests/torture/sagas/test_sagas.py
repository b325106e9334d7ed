"""Hundreds of sagas, and workers that die at each listed point: each effect once, each failure undone in reverse."""

import os
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

import pytest

from tai_state import StateMachinePersister, connect
from tai_state.keys import OwnGovernor
from tai_state.sagas import SagaRunner
from tests.chaos import sagaing
from tests.chaos.crew import Crew, Member
from tests.chaos.sagaing import GOVERNOR, NAMES, PATIENT, POINTS, Outside, Shift

SEED = os.environ.get("TORTURE_SEED", "sagas")
SAGAS, KILLS = 500, 20
STRIKES = {"sqlite": 0.1, "firestore": 0.35}
LEASES = {"sqlite": 1.5, "firestore": 4.0}
WORKERS, CALLERS = 4, 4
SECONDS_MAX = 900.0


def wanted(saga_id):
    """Return the status in which a saga ends, and its effects in order."""
    fate, step = sagaing.fate_of(SEED, saga_id)
    finished = list(NAMES[: NAMES.index(step)] if fate == "fail" else NAMES)
    done = [("do", name) for name in finished]
    if fate == "fail":
        return "compensated", done + [("undo", name) for name in reversed(finished)]
    return "completed", done


def effects_of(outside):
    """Return the effects of each saga, in the order in which they came."""
    found = defaultdict(list)
    for saga, kind, step in outside.rows("SELECT saga, kind, step FROM effects ORDER BY number"):
        found[saga].append((kind, step))
    return found


@pytest.mark.torture
def test_each_effect_is_there_once_and_each_failure_is_undone_in_reverse(place, kind, tmp_path, tell):
    """However often its workers die, and where; and none is stuck."""
    url, host = place
    if host is not None:
        os.environ.setdefault("FIRESTORE_EMULATOR_HOST", host)
    outside = Outside(tmp_path / "outside.db")
    outside.make(KILLS)
    names = [f"saga-{number}" for number in range(SAGAS)]
    with connect(url, actor="tester", retry=PATIENT) as store:
        runner, began = SagaRunner(store, [sagaing.saga_of(outside, SEED)]), time.monotonic()
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda name: runner.start(GOVERNOR, name, "order", {"of": name}), names))
        shifts = [
            Shift(url, outside.path, f"w{number}", CALLERS, LEASES[kind], STRIKES[kind], SEED, host)
            for number in range(WORKERS)
        ]
        crew = Crew([Member(shift.name, shift, sagaing.work) for shift in shifts], seed=SEED)
        figures = crew.run(seconds_max=SECONDS_MAX)
        left = dict(outside.rows("SELECT point, left FROM kills"))
        calls = outside.rows("SELECT count(*) FROM calls")[0][0]
        made = effects_of(outside)
        states = {state.saga_id: state for state in runner.list_sagas(GOVERNOR)}
        seconds = time.monotonic() - began
        tell(f"sagas on {kind}: {len(states)}, {figures.kills} kills, {calls} calls, {seconds:.0f} s")
        found = {name: (states[name].status, made[name]) for name in names}
        assert {name: one for name, one in found.items() if one != wanted(name)} == {}
        keys = outside.rows("SELECT saga, step FROM calls GROUP BY saga, step HAVING count(DISTINCT key) > 1")
        assert keys == []
        governor = OwnGovernor("sagas", GOVERNOR)
        assert StateMachinePersister(store).validate_consistency(governor).problems == []
    # Each point has killed as often as it was to.
    assert left == dict.fromkeys(POINTS, 0)
    struck = KILLS * len(POINTS)
    # Two threads of one process may have struck at once.
    assert 0.9 * struck <= figures.kills <= struck
    # What was killed behind its effect was called again.
    assert calls > sum(map(len, made.values()))
