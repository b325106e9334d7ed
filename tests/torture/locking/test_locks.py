"""Mutual exclusion for minutes, on every backend that processes share."""

import os
import statistics
import subprocess
import sys

import pytest

from tai_state import LockConfig, LockManager, SystemClock, connect
from tests.integration.locking import exclusion

SECONDS = 60.0
GRANTS = 500
SECONDS_MAX = 900.0
SEED = os.environ.get("TORTURE_SEED", "locks")

TTL = 1.0
RETRY_PERIOD = TTL / 15
KILLS = 15

monotonic = SystemClock().monotonic

# Takes the lock, says so, and renews it until it is killed.
HOLDER = """
import sys
from tai_state import LockConfig, LockManager, connect
store = connect(sys.argv[1], actor="holder")
lock = LockManager(store, LockConfig(ttl=float(sys.argv[2]))).acquire("r", owner="holder", timeout=60)
print(lock.fencing_token, flush=True)
sys.stdin.readline()
"""


@pytest.fixture(params=["sqlite", pytest.param("firestore", marks=pytest.mark.emulator), "redis"])
def url(request):
    """The URL of an empty place that several processes share."""
    if request.param == "redis":
        return request.getfixturevalue("redis_url")
    if request.param == "sqlite":
        return f"sqlite:///{request.getfixturevalue('tmp_path') / 'store.db'}"
    return f"firestore://{request.getfixturevalue('tai_state_project')}"


@pytest.mark.torture
@pytest.mark.timeout(1_200)
def test_no_two_workers_hold_the_lock_at_once(url, tmp_path, tell):
    """Sixteen in four processes, frozen and killed at random, their clocks minutes apart, for 500 grants and more."""
    found = exclusion.run(
        url, tmp_path, guarded=True, seconds=SECONDS, grants=GRANTS, seconds_max=SECONDS_MAX, seed=SEED
    )
    tell(_figures(url, found))
    assert exclusion.problems(found) == []
    assert max(version.token for version in found.versions) >= GRANTS
    assert found.freezes >= 10
    assert found.kills >= 3


@pytest.mark.torture
@pytest.mark.timeout(1_200)
def test_without_the_guard_the_same_run_fails(url, tmp_path, tell):
    """A stale holder's write lands behind a later holder's."""
    found = exclusion.run(
        url, tmp_path, guarded=False, seconds=SECONDS, grants=GRANTS, seconds_max=SECONDS_MAX, seed=SEED
    )
    tell(_figures(url, found))
    assert exclusion.stale_writes(found) != []


@pytest.mark.torture
@pytest.mark.timeout(1_200)
def test_a_killed_holder_is_followed_after_its_ttl_and_a_retry_period_at_most(url, tell):
    """A waiter has the lock by then, counted from the kill; single kills get an allowance for a busy machine."""
    took = []
    with connect(url, actor="waiter") as store:
        locks = LockManager(store, LockConfig(ttl=TTL))
        for _ in range(KILLS):
            token, killed = _kill_holder(url)
            with locks.hold("r", owner="waiter", timeout=60.0) as lock:
                took.append(monotonic() - killed)
                assert lock.fencing_token == token + 1
    median, most = statistics.median(took), max(took)
    kind = url.partition(":")[0]
    tell(f"takeover on {kind}: {KILLS} kills, median {median:.3f} s, at most {most:.3f} s")
    assert median <= TTL + RETRY_PERIOD
    assert most <= TTL + RETRY_PERIOD + 1.0


def _kill_holder(url):
    """Return the token of a holder in a process of its own that was killed, and when."""
    command = [sys.executable, "-c", HOLDER, url, str(TTL)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        token = int(process.stdout.readline())
        process.kill()
        return token, monotonic()


def _figures(url, found):
    kind = url.partition(":")[0]
    return (
        f"lock on {kind}: {found.grants} grants, {len(found.writes)} writes, {found.freezes} freezes, "
        f"{found.kills} kills, {len(exclusion.stale_writes(found))} stale writes in {found.seconds:.0f} s"
    )
