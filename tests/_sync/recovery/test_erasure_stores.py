# Generated from tests/_async/recovery/test_erasure_stores.py by .ci/generate_sync.py; do not edit.
"""Erasing of whole governors, and what is brought from one store to another behind it."""
import pytest

from tai_state import (
    BackendStore,
    MemoryStore,
    export_store,
    import_store,
    recover,
)
from tai_state.documents import Delete, DocumentPath
from tests._sync.recovery.erasing import T, holding, marked
from tests._sync.recovery.test_gc import KilledBackend, KilledError, check
from tests._sync.stores import TIMEOUT, contents


@pytest.mark.parametrize("is_gone", [False, True], ids=["over what is left", "where its documents are gone"])
def test_an_import_brings_nothing_back(store, tmp_path, is_gone):
    """What a file of before the erasure holds is erased again, before the import has ended."""
    marked(store)
    export_store(store, tmp_path / "before.jsonl")
    store.erase_state("g", "s", reason="they asked")
    if is_gone:
        gone = [path for path in contents(store) if "/erasures/" not in path]
        writes = [Delete(DocumentPath(*path.rsplit("/", 1))) for path in gone]
        store.runtime.access.backend.commit(writes, timeout=TIMEOUT)
    report = import_store(store, tmp_path / "before.jsonl")
    assert report.is_sound
    assert holding(store) == []
    assert not store.exists("g", "s")
    check(store)


def test_an_export_of_what_was_erased_erases_where_it_goes(store, tmp_path):
    """An older copy of the state goes on with the erasure."""
    marked(store)
    export_store(store, tmp_path / "before.jsonl")
    store.erase_state("g", "s", reason="they asked")
    export_store(store, tmp_path / "after.jsonl")
    other = MemoryStore(actor="tester")
    import_store(other, tmp_path / "before.jsonl")
    assert holding(other) != []
    assert (import_store(other, tmp_path / "after.jsonl")).is_sound
    assert holding(other) == []
    check(other)
    other.close()


def test_a_governor_is_erased(store):
    """Every state of it, those that have lost their documents, too."""
    for state_id in ("s", "s2", "t"):
        marked(store, state_id, changes=4)
    store.runtime.access.backend.commit([Delete(T.state)], timeout=TIMEOUT)
    store.save_state("h", "s", {"text": "other"})
    report = store.erase_governor("g", reason="they asked")
    assert (report.states, report.state_id) == (3, "")
    assert holding(store) == []
    check(store)
    assert store.exists("h", "s")


def test_a_governor_that_is_half_erased_is_ended_by_a_recovery(place):
    """However many states are left."""
    store = place.store()
    for state_id in ("s", "t"):
        marked(store, state_id, changes=2)
    killed = BackendStore(KilledBackend(store.runtime.access.backend, 4), actor="tester")
    with pytest.raises(KilledError):
        killed.erase_governor("g", reason="they asked")
    (report,) = [one for one in recover(store, "g")]
    assert {one.kind for one in report.repaired} == {"unfinished_erasure"}
    assert holding(store) == []
    check(store)
