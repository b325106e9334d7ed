# Generated from tests/_async/recovery/test_transfer_again.py by .ci/generate_sync.py; do not edit.
"""An import that is stopped goes on; histories never mix; a file that is not as it was written is told by its line."""
import gzip
import json
from dataclasses import replace
from typing import Any

import pytest

from tai_state import (
    BackendStore,
    MemoryStore,
    StateMachinePersister,
    BadExportError,
    HistoryConflictError,
    PersistenceConfig,
    SchemaVersionError,
    export_store,
    import_store,
)
from tai_state.documents import Delete
from tai_state.layout import state_layout
from tests._sync.machines import COUNTER
from tests._sync.recovery.moving import (
    CONFIG,
    PATHS,
    fill,
    filled_file,
    problems,
    comparable,
    in_small_pieces,
    lines_of,
)
from tests._sync.recovery.test_recover import DyingBackend, StoppedError
from tests._sync.stores import TIMEOUT, WrappedBackend, contents, plant, in_memory


@pytest.fixture
def source():
    """A store with something of everything, in memory."""
    source = MemoryStore(actor="tester")
    fill(source)
    return source


@pytest.fixture
def file(tmp_path):
    """The export of such a store."""
    return filled_file(tmp_path)


def moved(store, count, config=CONFIG):
    """Return a persister whose state has made so many moves."""
    persister = StateMachinePersister(store, COUNTER, config)
    persister.start("g", "s", {"n": 0}, idempotency_key="k1")
    for version in range(2, count + 1):
        persister.transition("g", "s", "add", version, idempotency_key=f"k{version}")
    return persister


def test_stopped_behind_any_commit_it_goes_on(file, place, monkeypatch, tmp_path):
    """Whatever was done stays done, and is passed over; in the end all of it is there, once."""
    in_small_pieces(monkeypatch)
    store = place.store()
    stopped = 0
    for stop in range(20):
        backend = DyingBackend(store.runtime.access.backend, stop)
        try:
            import_store(BackendStore(backend), file)
        except StoppedError:
            stopped += 1
    assert 4 < stopped < 20
    found = import_store(store, file)
    assert (found.written, found.present) == (0, found.documents)
    export_store(store, tmp_path / "copy.jsonl")
    assert comparable(tmp_path / "copy.jsonl") == comparable(file)


def test_another_history_is_refused(file, store):
    """The state is named, with the line of the file, and nothing of it is changed."""
    moved(store, 2)
    before = contents(store)
    with pytest.raises(HistoryConflictError, match=r"'s' of governor 'g'.*line \d+ of the file") as caught:
        import_store(store, file)
    assert (caught.value.governor_id, caught.value.state_id) == ("g", "s")
    assert {path: one for path, one in (contents(store)).items() if path in before} == before
    assert [one for one in contents(store) if "/s@" in one and one not in before] == []


@pytest.mark.parametrize("version", [8, 9, 12])
def test_another_history_is_refused_however_long_it_is(file, store, version):
    """As long as that of the file, or longer."""
    moved(store, version)
    before = contents(store)
    with pytest.raises(HistoryConflictError, match="'s' of governor 'g', version 8: it is there with another history"):
        import_store(store, file)
    assert contents(store) == before


def test_a_longer_history_of_the_same_stays(file, store):
    """Work that went on in the copy is not undone by another import."""
    import_store(store, file)
    persister = StateMachinePersister(store, COUNTER, CONFIG)
    for payload in range(9, 14):
        persister.transition("g", "s", "add", payload)
    before = contents(store)
    found = import_store(store, file)
    assert (found.written, found.present) == (0, found.documents)
    assert contents(store) == before


def test_a_longer_history_is_known_by_its_segments(file, store):
    """Where the event that both have is only in one, since its own document was removed."""
    import_store(store, file)
    persister = StateMachinePersister(store, COUNTER, CONFIG)
    for payload in range(9, 14):
        persister.transition("g", "s", "add", payload)
    store.runtime.access.backend.commit([Delete(PATHS.event(8))], timeout=TIMEOUT)
    assert (import_store(store, file)).written == 0


def test_the_beginning_of_the_same_history_goes_on(store, tmp_path):
    """With a later export of the same store: the copy is as far as that, and sound."""
    source = MemoryStore(actor="tester")
    persister = moved(source, 7)
    export_store(source, tmp_path / "early.jsonl")
    for version in range(8, 15):
        persister.transition("g", "s", "add", version, idempotency_key=f"k{version}")
    export_store(source, tmp_path / "late.jsonl")
    for name in ("early", "late"):
        import_store(store, tmp_path / f"{name}.jsonl")
    export_store(store, tmp_path / "copy.jsonl")
    assert comparable(tmp_path / "copy.jsonl") == comparable(tmp_path / "late.jsonl")
    assert problems(store) == []
    assert (import_store(store, tmp_path / "early.jsonl")).written == 0


def test_the_times_of_writers_do_not_tell_histories_apart(file, store):
    """What was altered in the copy by hand is left as it is, and told by the check, not mixed and not mended."""
    import_store(store, file)
    plant(store, PATHS.event(3), action="forged")
    found = import_store(store, file)
    assert found.written == 0
    assert "corrupt_event" in [one.kind for report in found.reports for one in report.problems]


class BusyBackend(WrappedBackend):
    """Has somebody else make changes before each page of events and snapshots, some times."""

    change: Any = None
    left = 6

    def scan(self, collection, **options):
        return self._scan(collection, options)

    def _scan(self, collection, options):
        if self.change is not None and self.left and collection.endswith(("events", "snapshots", "receipts")):
            self.left -= 1
            for _ in range(5):
                self.change()
        for document in self.inner.scan(collection, **options):
            yield document


@pytest.mark.parametrize(
    ("config", "changes"),
    [(CONFIG, 6), (PersistenceConfig(), 40), (replace(CONFIG, compact_sealed=True), 6)],
    ids=["drops", "grows", "removes"],
)
def test_an_export_beside_writers_is_sound(store, tmp_path, config, changes):
    """Each state is as of one moment, with its snapshots, and with the receipt of each change that is in the file."""
    source = MemoryStore(actor="tester")
    persister = moved(source, 7, config)
    StateMachinePersister(source, COUNTER).start("g", "t", {"n": 0})
    backend = BusyBackend(source.runtime.access.backend)
    backend.left = changes
    busy = BackendStore(backend)
    count = 7

    def change():
        nonlocal count
        count += 1
        persister.transition("g", "s", "add", count, idempotency_key=f"k{count}")

    backend.change = change
    export_store(busy, tmp_path / "a.jsonl")
    assert count > 20
    found = import_store(store, tmp_path / "a.jsonl")
    assert found.reports == []
    reached = (store.get_state("g", "s"))[1]
    copied = StateMachinePersister(store, COUNTER, CONFIG)
    for version in range(2, reached + 1):
        assert (copied.transition("g", "s", "add", version, idempotency_key=f"k{version}")).version == version
    assert (copied.transition("g", "s", "add", 1)).version == reached + 1


def changed(lines, number, **changes):
    """Return the lines with something else in one of them."""
    line = json.loads(lines[number])
    return [*lines[:number], json.dumps({**line, **changes}).encode(), *lines[number + 1 :]]


BAD = {
    "truncated": (lambda lines: lines[:9], 10, "cut off"),
    "cut inside a line": (lambda lines: [*lines[:9], lines[9][:40]], 10, "cut off, or no JSON"),
    "reordered": (lambda lines: [*lines[:5], lines[6], lines[5], *lines[7:]], 6, "here line 7 stands"),
    "with a line missing": (lambda lines: [*lines[:5], *lines[6:]], 6, "out of order"),
    "with a line twice": (lambda lines: [*lines[:5], *lines[4:]], 6, "out of order"),
    "foreign": (lambda lines: [b'{"at": "2026"}', *lines], 1, "no export"),
    "empty": (lambda lines: [], 1, "no export"),
    "no JSON": (lambda lines: [b"\xff\xfe", *lines], 1, "no export"),
    "of nobody's document": (lambda lines: changed(lines, 4, path="tai/meta"), 5, "no collection"),
    "of no document": (lambda lines: changed(lines, 4, fields=[]), 5, "no document"),
    "with something behind its end": (lambda lines: [*lines, b"{}"], None, "follows the end"),
    "altered": (lambda lines: changed(lines, -2, fields={"format": 1}), None, "the file was altered"),
}


@in_memory
@pytest.mark.parametrize("name", BAD)
def test_a_file_that_is_not_as_it_was_written_is_told(file, store, name):
    """By the number of its line; with the whole file the import goes on."""
    alter, line, reason = BAD[name]
    whole = file.read_bytes().splitlines()
    bad = file.with_name("bad.jsonl")
    bad.write_bytes(b"".join(one + b"\n" for one in alter(whole)))
    with pytest.raises(BadExportError, match=reason) as caught:
        import_store(store, bad)
    assert caught.value.line == (line if line is not None else len(alter(whole)))
    assert str(caught.value).startswith(f"{bad}, line {caught.value.line}: ")
    if name != "altered":
        assert (import_store(store, file)).documents == len(whole) - 2


@in_memory
@pytest.mark.parametrize("suffix", [".gz", ".zst"])
@pytest.mark.parametrize("damage", ["cut off", "damaged"])
def test_a_compressed_file_that_is_damaged_is_told(source, store, tmp_path, suffix, damage):
    """As a plain one is."""
    file = tmp_path / f"a{suffix}"
    export_store(source, file)
    content = file.read_bytes()
    half = len(content) // 2
    flipped = content[:half] + bytes(255 - one for one in content[half : half + 50]) + content[half + 50 :]
    file.write_bytes(content[:half] if damage == "cut off" else flipped)
    with pytest.raises(BadExportError, match=r"line \d+: "):
        import_store(store, file)


@in_memory
def test_a_file_of_a_newer_release_is_refused(file, store):
    """Before anything is written."""
    lines = changed(file.read_bytes().splitlines(), 0, version=2)
    file.write_bytes(b"\n".join(lines))
    with pytest.raises(SchemaVersionError, match="line 1: the export has schema version 2, this release reads up to 1"):
        import_store(store, file)
    assert contents(store) == {}


def test_a_file_is_whole_or_not_there(source, tmp_path):
    """It takes no other's place unless it is told to, and leaves nothing behind when it is stopped."""
    file = tmp_path / "a.jsonl"
    file.write_text("mine")
    with pytest.raises(FileExistsError, match="it is there already"):
        export_store(source, file)
    backend = BusyBackend(source.runtime.access.backend)

    def change():
        raise StoppedError

    backend.change = change
    with pytest.raises(StoppedError):
        export_store(BackendStore(backend), file, overwrite=True)
    assert (file.read_text(), list(tmp_path.iterdir())) == ("mine", [file])
    export_store(source, file, overwrite=True)
    assert lines_of(file)[0]["export"] == "tai_state"


def test_equal_stores_make_equal_files(source, tmp_path):
    """But for the header: no time and no chance goes into a compressed file."""
    for name in ("a.gz", "b.gz"):
        export_store(source, tmp_path / name)
    first, second = (gzip.decompress((tmp_path / name).read_bytes()).splitlines()[1:] for name in ("a.gz", "b.gz"))
    assert first == second


@in_memory
def test_progress_tells_of_each_state(source, file, store, tmp_path):
    """When it is written, and when it is checked."""
    seen = []
    export_store(source, tmp_path / "a.jsonl", progress=lambda *names: seen.append(names))
    states = [("g", "%C3%A9tat%2F1"), ("g", "b"), ("g", "gone"), ("g", "s"), ("h", "a")]
    assert seen == states
    seen.clear()
    import_store(store, file, progress=lambda *names: seen.append(names))
    assert seen == states[:4] * 2 + states[4:] * 2


@in_memory
def test_a_state_of_which_only_a_part_is_left_does_not_join_another(source, store, tmp_path):
    """Events without the document of their state do not go where the state is."""
    import_store(store, exported(source, tmp_path / "a.jsonl"))
    lines = [one for one in (tmp_path / "a.jsonl").read_text().splitlines() if f'"path":"{PATHS.state}"' not in one]
    renumbered = [json.dumps({**json.loads(one), "line": number}) for number, one in enumerate(lines, 1)]
    (tmp_path / "b.jsonl").write_text("\n".join(renumbered))
    with pytest.raises(HistoryConflictError, match="the file has no document of it"):
        import_store(store, tmp_path / "b.jsonl")
    assert state_layout("g", "s") == PATHS


def exported(source, file):
    """Export a store and return where."""
    export_store(source, file)
    return file
