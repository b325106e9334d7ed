# Generated from tests/_async/recovery/test_transfer_erased.py by .ci/generate_sync.py; do not edit.
"""What was erased is carried as erased, and an import of an older export does not bring it back."""
import pytest

from tai_state import (
    MemoryStore,
    StateMachinePersister,
    TransactionManager,
    BadExportError,
    export_store,
    import_store,
)
from tai_state.layout import GovernorLayout
from tests._sync.machines import COUNTER
from tests._sync.recovery.moving import (
    CONFIG,
    filled_file,
    problems,
    comparable,
    in_small_pieces,
    lines_of,
)
from tests._sync.stores import TIMEOUT

SECRET = "the secret of s"  # pragma: allowlist secret


@pytest.fixture
def source():
    """A store with a state that says something everywhere, and another one."""
    source = MemoryStore(actor="tester")
    persister = StateMachinePersister(source, COUNTER, CONFIG)
    persister.start("g", "s", {"n": 0, "text": SECRET}, idempotency_key=SECRET)
    for version in range(2, 8):
        persister.transition("g", "s", "add", version, idempotency_key=f"{SECRET} {version}")

    def told(tx):
        tx.update_state("g", "s", {"n": 1, "text": SECRET}, 7)
        return SECRET

    TransactionManager(source).run(told, idempotency_key="key", request="told")
    return source


def texts(store):
    """Return all that a store holds, as text."""
    governor = GovernorLayout("g")
    named = [getattr(governor, one) for one in GovernorLayout.__slots__ if one != "governor_id"]
    found = []
    for collection in (*named, "transactions", "audit"):
        found += [str(one.fields) for one in store.runtime.access.backend.scan(collection, timeout=TIMEOUT)]
    return "\n".join(found)


def test_an_older_export_does_not_bring_back_what_was_erased(source, store, tmp_path):
    """Neither with the state nor with its receipts, nor with the record of a transaction."""
    export_store(source, tmp_path / "old.jsonl")
    import_store(store, tmp_path / "old.jsonl")
    assert SECRET in texts(store)
    store.erase_state("g", "s", reason="asked to")
    assert SECRET not in texts(store)
    found = import_store(store, tmp_path / "old.jsonl")
    assert SECRET not in texts(store)
    assert found.reports == []


def test_an_import_that_is_stopped_has_brought_nothing_back(source, store, tmp_path, monkeypatch):
    """Wherever: what was erased is not written in the first place, for whoever runs it again or not."""
    in_small_pieces(monkeypatch)
    export_store(source, tmp_path / "old.jsonl")
    import_store(store, tmp_path / "old.jsonl")
    store.erase_state("g", "s", reason="asked to")
    lines = (tmp_path / "old.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "cut.jsonl").write_bytes(b"".join(lines[:-1]))
    with pytest.raises(BadExportError, match="cut off"):
        import_store(store, tmp_path / "cut.jsonl")
    assert SECRET not in texts(store)
    assert problems(store) == []


def test_what_was_erased_is_carried_so(source, store, tmp_path):
    """With the record of it: the copy is sound, and equal."""
    source.erase_state("g", "s", reason="asked to")
    export_store(source, tmp_path / "a.jsonl")
    assert SECRET not in (tmp_path / "a.jsonl").read_text()
    assert "governors/g/erasures/s" in [line.get("path") for line in lines_of(tmp_path / "a.jsonl")]
    assert (import_store(store, tmp_path / "a.jsonl")).reports == []
    export_store(store, tmp_path / "b.jsonl")
    assert comparable(tmp_path / "a.jsonl") == comparable(tmp_path / "b.jsonl")
    assert problems(store) == []


def test_what_was_erased_elsewhere_does_not_keep_others_out(store, tmp_path):
    """An import beside an erasure brings all else."""
    file = filled_file(tmp_path)
    store.save_state("g", "mine", {})
    store.erase_state("g", "mine", reason="asked to")
    found = import_store(store, file)
    assert found.written == found.documents
    assert (store.get_state("g", "s"))[1] == 8
