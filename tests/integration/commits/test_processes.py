"""Several processes move one machine of one store: nothing is lost, nothing counts twice, the log is whole."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import tai_state
from tai_state import StateMachinePersister, connect
from tests.integration.commits.contender import MACHINE

CONTENDER = Path(__file__).with_name("contender.py")
SECONDS = 90


@pytest.fixture(params=["sqlite", pytest.param("firestore", marks=pytest.mark.emulator)])
def arena(request, scale):
    """How many processes, how many moves each, and where."""
    kind = request.param
    processes, moves = scale((3, 40), (8, 200) if kind == "sqlite" else (4, 50))
    if kind == "sqlite":
        return processes, moves, f"sqlite:///{request.getfixturevalue('tmp_path') / 'store.db'}"
    return processes, moves, f"firestore://{request.getfixturevalue('tai_state_project')}"


def contend(processes, moves, url, mode):
    """Let the processes begin at the same time, and return what each of them says."""
    environment = {**os.environ, "PYTHONPATH": str(Path(tai_state.__file__).parents[1])}
    command = [sys.executable, str(CONTENDER), url, str(moves), mode]
    running = [
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )
        for _ in range(processes)
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
    assert [process.returncode for process in running] == [0] * processes, [errors for _, errors in said]
    return [json.loads(words) for words, _ in said]


def start(url):
    with connect(url, actor="tester") as store:
        StateMachinePersister(store, MACHINE).start("g", "s", {"n": 0})


def check(url, successes):
    """The state counts every success once, and its log is sound."""
    with connect(url, actor="tester") as store:
        persister = StateMachinePersister(store, MACHINE)
        snapshot, version = store.get_state("g", "s")
        assert (version, snapshot.data) == (successes + 1, {"n": successes})
        report = persister.validate_consistency("g")
        assert (report.problems, report.events) == ([], successes + 1)
        assert persister.replay("g", "s") == snapshot
        kept = [one.version for one in persister.list_snapshots("g", "s")]
        assert kept == list(range(100, version + 1, 100))[-5:]


def test_moves_of_many_processes_all_succeed(arena):
    """Conflicts are retried until each one is made."""
    processes, moves, url = arena
    start(url)
    said = contend(processes, moves, url, "free")
    versions = sorted(version for each in said for version in each["versions"])
    assert versions == list(range(2, processes * moves + 2))
    assert all(each["conflicts"] == [] for each in said)
    check(url, processes * moves)


def test_a_named_version_is_changed_by_one_process_alone(arena):
    """Each call succeeds or conflicts, and for each version named in a conflict somebody succeeded."""
    processes, moves, url = arena
    start(url)
    said = contend(processes, moves, url, "checked")
    versions = sorted(version for each in said for version in each["versions"])
    conflicts = [expected for each in said for expected in each["conflicts"]]
    assert len(versions) + len(conflicts) == processes * moves
    assert versions == list(range(2, len(versions) + 2))
    assert {expected + 1 for expected in conflicts} <= set(versions)
    assert conflicts, "the processes did not meet"
    check(url, len(versions))
