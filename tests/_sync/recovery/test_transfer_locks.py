# Generated from tests/_async/recovery/test_transfer_locks.py by .ci/generate_sync.py; do not edit.
"""The counters of locks in an export: of each lock under which a state in the file was written, whatever its name."""
from typing import Any

import pytest

from tai_state import (
    BackendStore,
    LockManager,
    MemoryStore,
    StateMachinePersister,
    export_store,
    import_store,
)
from tests._sync.machines import COUNTER
from tests._sync.recovery.moving import ODD
from tests._sync.stores import WrappedBackend


@pytest.fixture
def source():
    """A store with a state that was written under no lock yet."""
    source = MemoryStore(actor="tester")
    StateMachinePersister(source, COUNTER).start("g", "s", {"n": 0})
    return source


def write_under(store, resource):
    """Move the state under the lock, and return its token."""
    with LockManager(store).hold(resource) as lock:
        StateMachinePersister(store, COUNTER).transition("g", "s", "add", 1, lock=lock)
    return lock.fencing_token


def test_a_governor_goes_with_locks_whose_names_are_escaped(source, store, tmp_path):
    """No token of before is valid in the copy, and work goes on there under the lock."""
    before = write_under(source, ODD)
    export_store(source, tmp_path / "g.jsonl", "g")
    import_store(store, tmp_path / "g.jsonl")
    assert write_under(store, ODD) == before + 2**20 + 1


class LockedBackend(WrappedBackend):
    """Has somebody write the state under a new lock once its governor's states are about to be read."""

    source: Any = None
    token = 0

    def scan(self, collection, **options):
        return self._scan(collection, options)

    def _scan(self, collection, options):
        if self.source is not None and collection.endswith("/states"):
            source, self.source = self.source, None
            for _ in range(3):
                self.token = write_under(source, "r")
        for document in self.inner.scan(collection, **options):
            yield document


@pytest.mark.parametrize("governor", [None, "g"])
def test_a_lock_that_was_first_taken_meanwhile_is_carried(source, store, tmp_path, governor):
    """Since a state in the file was written under it: else its tokens would be given out again in the copy."""
    backend = LockedBackend(source.runtime.access.backend)
    backend.source = source
    export_store(BackendStore(backend), tmp_path / "a.jsonl", governor)
    assert backend.token == 3
    import_store(store, tmp_path / "a.jsonl")
    assert write_under(store, "r") == backend.token + 2**20 + 1
