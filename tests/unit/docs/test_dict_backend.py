"""The example backend of docs/backends.md, proven as its page says that one proves a backend."""

from datetime import UTC, datetime

import pytest

from docs.examples.dict_backend import DictBackend
from tai_state import BackendStore, LockManager, Machine, StateMachinePersister, Transition
from tai_state.clock import SystemClock
from tai_state.testing import BackendConformance


class TestDictBackend(BackendConformance):
    @pytest.fixture
    def backend(self):
        return DictBackend(SystemClock().now)


def test_a_store_over_it_keeps_states_and_locks():
    """What stands on the port works over it: a guarded move, its history, and a sound log."""
    machine = Machine("m", "on", [Transition("go", "on", "off")])
    with BackendStore(DictBackend(lambda: datetime(2030, 1, 1, tzinfo=UTC)), actor="tester") as store:
        persister = StateMachinePersister(store, machine)
        persister.start("g", "s")
        with LockManager(store).hold("r") as lock:
            assert persister.transition("g", "s", "go", lock=lock).to_status == "off"
        assert persister.validate_consistency("g").is_consistent
