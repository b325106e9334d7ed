"""Several processes move one machine of one store: nothing is lost, nothing counts twice, the log is whole."""

from pathlib import Path

import pytest

from tai_state import StateMachinePersister, connect
from tests.integration.commits.contender import MACHINE
from tests.integration.racing import raced

CONTENDER = Path(__file__).with_name("contender.py")
SECONDS = 90


@pytest.fixture
def arena(url, scale):
    """How many processes, how many moves each, and where."""
    processes, moves = scale((3, 40), (8, 200) if url.startswith("sqlite") else (4, 50))
    return processes, moves, url


def contend(processes, moves, url, mode):
    """Let the processes begin at the same time, and return what each of them says."""
    return raced(CONTENDER, [(url, str(moves), mode)] * processes, SECONDS)


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
