"""Mutual exclusion for minutes, on every backend that processes share."""

import os
import sys

import pytest

from tests.integration import exclusion

SECONDS = 60.0
GRANTS = 500
SEED = os.environ.get("TAI_STATE_TORTURE_SEED", "locks")


@pytest.fixture(params=["sqlite", pytest.param("firestore", marks=pytest.mark.emulator)])
def url(request):
    """The URL of an empty place that several processes share."""
    if request.param == "sqlite":
        return f"sqlite:///{request.getfixturevalue('tmp_path') / 'store.db'}"
    return f"firestore://{request.getfixturevalue('tai_state_project')}"


@pytest.mark.torture
@pytest.mark.timeout(600)
def test_no_two_workers_hold_the_lock_at_once(url, tmp_path):
    """Sixteen in four processes, frozen and killed at random, their clocks minutes apart, for 500 grants and more."""
    found = exclusion.run(url, tmp_path, guarded=True, seconds=SECONDS, grants=GRANTS, seed=SEED)
    _tell(url, found)
    assert exclusion.problems(found) == []
    assert max(version.token for version in found.versions) >= GRANTS
    assert found.freezes >= 10
    assert found.kills >= 3


@pytest.mark.torture
@pytest.mark.timeout(600)
def test_without_the_guard_the_same_run_fails(url, tmp_path):
    """A stale holder's write lands behind a later holder's."""
    found = exclusion.run(url, tmp_path, guarded=False, seconds=SECONDS, seed=SEED)
    _tell(url, found)
    assert exclusion.stale_writes(found) != []


def _tell(url, found):
    kind = url.partition(":")[0]
    sys.stderr.write(
        f"{kind}: {found.grants} grants, {len(found.writes)} writes, {found.freezes} freezes, {found.kills} kills, "
        f"{len(exclusion.stale_writes(found))} stale writes in {found.seconds:.0f} s\n"
    )
