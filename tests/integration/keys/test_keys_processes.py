"""Four processes of several threads each change the same keys: nothing is lost, nothing counts twice."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import tai_state
from tai_state import StateMachinePersister, connect
from tai_state.keys import Keys

CALLER = Path(__file__).with_name("caller.py")
PROCESSES, THREADS, SECONDS = 4, 4, 100


@pytest.fixture(params=["sqlite", pytest.param("firestore", marks=pytest.mark.emulator)])
def url(request):
    """Where the keys are."""
    if request.param == "sqlite":
        return f"sqlite:///{request.getfixturevalue('tmp_path') / 'store.db'}"
    return f"firestore://{request.getfixturevalue('tai_state_project')}"


def called(url, changes):
    """Let the processes begin at the same time, and return what each of them was told."""
    environment = {**os.environ, "PYTHONPATH": str(Path(tai_state.__file__).parents[1])}
    running = [
        subprocess.Popen(
            [sys.executable, str(CALLER), url, str(number), str(changes), str(THREADS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for number in range(PROCESSES)
    ]
    try:
        for process in running:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in running:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        said = [process.communicate(timeout=SECONDS) for process in running]
    finally:
        for process in running:
            process.kill()
            process.wait()
            for pipe in filter(None, (process.stdin, process.stdout, process.stderr)):
                pipe.close()
    assert [process.returncode for process in running] == [0] * PROCESSES, [errors for _, errors in said]
    return [json.loads(words) for words, _ in said]


@pytest.mark.timeout(240)
def test_processes_lose_nothing_and_one_swap_wins(url, scale):
    """Each increment is told another sum, each item is there once and in order, and exactly one swap wins."""
    changes = scale(5, 25)
    with connect(url, actor="tester") as store:
        keys = Keys(store, "shared")
        keys.set("owner", "nobody")
        told = called(url, changes)
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
