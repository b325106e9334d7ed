# Generated from tests/_async/locking/test_locks_in_line.py by .ci/generate_sync.py; do not edit.
"""Callers of one process who want one lock: the first of them alone asks the store."""
import pytest

from tai_state import BackendStore, LockManager, SystemClock
from tai_state._sync.locking import waiting
from tai_state._sync.locking.acquire import Acquisition
from tai_state._platform.tasks import sleep, together
from tests._sync.deaths import forget_every_lock
from tests._sync.stores import WrappedBackend, in_memory
from tests.waits import POLL_SECONDS, SECONDS_MAX

LONG = 60.0
MANY = 20

monotonic = SystemClock().monotonic


@pytest.fixture(autouse=True)
def no_lock_is_left():
    """Behind each test no heartbeat goes on."""
    yield
    forget_every_lock()


@in_memory
def test_whoever_is_not_next_in_his_process_looks_but_once(place, monkeypatch):
    """When he comes; the first in line alone asks the store again and again, and has the next one told."""
    monkeypatch.setattr(waiting, "POLL_SECONDS_MAX", 0.01)
    looks = {"a": 0, "b": 0, "c": 0}
    look = Acquisition.look

    def counted(acquisition, deadline):
        looks[acquisition.owner.label] += 1
        return look(acquisition, deadline)

    monkeypatch.setattr(Acquisition, "look", counted)
    backend = WrappedBackend(place.store().runtime.access.backend)
    backend.capabilities = frozenset()
    locks = LockManager(BackendStore(backend))
    held = locks.acquire("r", owner="a")
    seen: dict[str, int] = {}

    def first():
        with locks.hold("r", owner="b", timeout=LONG):
            pass

    def second():
        ends = monotonic() + SECONDS_MAX
        while not looks["b"] and monotonic() < ends:
            sleep(POLL_SECONDS)
        with locks.hold("r", owner="c", timeout=LONG):
            pass

    def release():
        ends = monotonic() + SECONDS_MAX
        while not looks["c"] and monotonic() < ends:
            sleep(POLL_SECONDS)
        before = looks["b"]
        while looks["b"] < before + MANY and monotonic() < ends:
            sleep(POLL_SECONDS)
        seen.update(b=looks["b"] - before, c=looks["c"])
        held.release()

    together([first, second, release])
    assert seen["b"] >= MANY
    # One to find it held before he stands in line, and one in it.
    assert 1 <= seen["c"] <= 2
