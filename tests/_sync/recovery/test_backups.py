# Generated from tests/_async/recovery/test_backups.py by .ci/generate_sync.py; do not edit.
"""Exports in a folder: named, kept, packed and compressed as asked, and the newest sound one taken."""
import json
import os
from pathlib import Path

import pytest

from tai_state import (
    MemoryStore,
    BadExportError,
    ConfigurationError,
    Keeping,
    export_store,
    import_store,
)
from tai_state.documents import DocumentPath
from tai_state.testing import ManualClock
from tests._sync.recovery.moving import comparable, lines_of
from tests._sync.stores import plant

MAGIC = {"none": b"", "gzip": b"\x1f\x8b", "zstd": b"\x28\xb5", "lz4": b"\x04\x22"}


@pytest.fixture
def clock():
    """A clock that stands still."""
    return ManualClock()


@pytest.fixture
def source(clock):
    """A store with a few states, also of numbers that are seldom written."""
    source = MemoryStore(actor="tester", clock=clock)
    for number in range(3):
        data = {"n": number, "odd": [1e-7, 1e22, 2**62, -0.0, 0.1], "text": "é\u2028\n", "raw": b"\xff\x00"}
        source.save_state("g", f"s{number}", data)
    return source


def names_of(folder):
    """Return the names of what is in a folder."""
    return {one.name for one in folder.iterdir()}


def kept(source, folder, clock, count, **keeping):
    """Export so many times, a second apart; return the names, the oldest first."""
    names = []
    for _ in range(count):
        clock.advance(1)
        report = export_store(source, folder, keeping=Keeping(**keeping))
        names.append(Path(report.file).name)
    return names


def test_what_killed_exports_left_is_removed_by_the_next_one(source, tmp_path, clock):
    """Once nobody wrote to it for a day; what is younger, another store's, a stranger's or a whole file stays."""
    first, second = kept(source, tmp_path, clock, 2)
    other = MemoryStore(actor="tester", clock=clock)
    other.save_state("g", "s", {})
    (theirs,) = kept(other, tmp_path, clock, 1)
    stays = {f".{first}.young.part", f".{theirs}.0a.part", ".notes.0a.part", f"{first}.0a.part", f".{first}.0a.partial"}
    for name in {f".{first}.0a.part", f".{second}.0b.part", *stays}:
        (tmp_path / name).touch()
        if "young" not in name:
            os.utime(tmp_path / name, (0, 0))
    os.utime(tmp_path / second, (0, 0))
    (third,) = kept(source, tmp_path, clock, 1)
    assert names_of(tmp_path) == {first, second, theirs, third, *stays}


@pytest.mark.parametrize("form", ["json", "msgpack"])
@pytest.mark.parametrize("compression", MAGIC)
def test_each_form_and_compression_carries_the_same(source, tmp_path, form, compression):
    """Line for line; which one it is, its first bytes say, whatever its name is."""
    folder = tmp_path / "backups"
    folder.mkdir()
    report = export_store(source, folder, keeping=Keeping(format=form, compression=compression))
    raw = (folder / Path(report.file).name).read_bytes()
    assert raw.startswith(MAGIC[compression])
    ending = {"json": ".jsonl", "msgpack": ".msgpack"}[form] + {"none": "", "gzip": ".gz"}.get(
        compression, f".{compression.replace('zstd', 'zst')}"
    )
    assert report.file.endswith(ending)
    moved = tmp_path / "moved"
    (folder / Path(report.file).name).rename(moved)
    copy = MemoryStore(actor="tester")
    found = import_store(copy, moved)
    assert (found.documents, found.reports, found.passed_over) == (report.documents, [], [])
    export_store(source, tmp_path / "source.jsonl")
    export_store(copy, tmp_path / "copy.jsonl")
    assert comparable(tmp_path / "copy.jsonl") == comparable(tmp_path / "source.jsonl")


def test_packed_objects_are_read_by_other_tools(source, tmp_path):
    """One object a line, with what the line of JSON says."""
    msgpack = pytest.importorskip("msgpack")
    export_store(source, tmp_path / "a.msgpack")
    export_store(source, tmp_path / "a.jsonl")
    with (tmp_path / "a.msgpack").open("rb") as file:
        packed = list(msgpack.Unpacker(file))
    lines = lines_of(tmp_path / "a.jsonl")
    assert packed[1:] == lines[1:]
    assert packed[0].keys() == lines[0].keys()


def test_so_many_stay_as_are_to_be_kept(source, clock, tmp_path):
    """The newest, and whatever is not ours or of another store or governor."""
    stranger = MemoryStore(clock=clock)
    stranger.save_state("g", "s", {})
    others = kept(stranger, tmp_path, clock, 1)
    clock.advance(1)
    alone = export_store(source, tmp_path, "g")
    (tmp_path / "tai-state-notes.jsonl").write_text("mine")
    names = kept(source, tmp_path, clock, 5, keep=3)
    staying = {*names[2:], *others, Path(alone.file).name, "tai-state-notes.jsonl"}
    assert names_of(tmp_path) == staying
    names += kept(source, tmp_path, clock, 2)
    assert names_of(tmp_path) == {*staying, *names[-2:]}


def test_nothing_goes_where_the_new_one_lacks_something(source, clock, tmp_path):
    """An earlier one may be the last that has it."""
    names = kept(source, tmp_path, clock, 2)
    plant(source, DocumentPath("locks", "r"), fencing_token="many")
    names += kept(source, tmp_path, clock, 1, keep=1)
    assert names_of(tmp_path) == set(names)


def test_a_folder_that_is_called_like_an_export_is_none(source, clock, tmp_path):
    """It is neither removed nor taken."""
    (name,) = kept(source, tmp_path, clock, 1)
    older, newer = (f"tai-state-{year}0101T000000000000Z{name[32:]}" for year in (1999, 2999))
    for other in (older, newer):
        (tmp_path / other).mkdir()
    names = kept(source, tmp_path, clock, 1, keep=1)
    assert names_of(tmp_path) == {*names, older, newer}
    found = import_store(MemoryStore(), tmp_path)
    assert (Path(found.file).name, found.passed_over) == (names[0], [])


def test_nothing_goes_before_the_new_one_is_whole(source, clock, tmp_path, monkeypatch):
    """An export that fails leaves all that was there, and nothing of itself."""
    names = kept(source, tmp_path, clock, 2)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tai_state._platform.line_files.LineWriter.write", full)
    with pytest.raises(OSError, match="No space left"):
        kept(source, tmp_path, clock, 1, keep=1)
    assert names_of(tmp_path) == set(names)


@pytest.mark.parametrize("form", ["json", "msgpack"])
@pytest.mark.parametrize("compression", MAGIC)
def test_the_newest_sound_one_is_taken(source, clock, tmp_path, form, compression):
    """Those that are newer and were cut off or altered anywhere are told, and nothing of them is written."""
    names = kept(source, tmp_path, clock, 4, format=form, compression=compression)
    cut = (tmp_path / names[3]).read_bytes()
    (tmp_path / names[3]).write_bytes(cut[: len(cut) * 2 // 3])
    altered = bytearray((tmp_path / names[2]).read_bytes())
    altered[len(altered) // 2] ^= 0x15
    (tmp_path / names[2]).write_bytes(altered)
    (tmp_path / names[1]).write_bytes(b"")
    copy = MemoryStore()
    found = import_store(copy, tmp_path)
    assert Path(found.file).name == names[0]
    assert [name for name in reversed(names[1:]) if any(name in told for told in found.passed_over)] == names[:0:-1]
    found_there = copy.find_state("g", "s2")
    assert found_there is not None
    assert found_there.data["raw"] == b"\xff\x00"


def test_every_cut_of_a_packed_file_is_told(source, tmp_path):
    """At each byte: none is taken for the end."""
    export_store(source, tmp_path / "a.msgpack")
    raw = (tmp_path / "a.msgpack").read_bytes()
    for length in range(0, len(raw), 7):
        (tmp_path / "cut.msgpack").write_bytes(raw[:length])
        copy = MemoryStore()
        with pytest.raises(BadExportError):
            import_store(copy, tmp_path / "cut.msgpack")


def test_where_none_is_sound_the_newest_is_told(source, clock, tmp_path):
    """And nothing is written."""
    older, newest = kept(source, tmp_path, clock, 2)
    for name in (older, newest):
        (tmp_path / name).write_bytes(b"{}\n")
    copy = MemoryStore()
    with pytest.raises(BadExportError) as refused:
        import_store(copy, tmp_path)
    assert newest in str(refused.value)
    assert [one for one in copy.list_governors()] == []


def test_a_folder_that_says_nothing_is_refused(source, clock, tmp_path):
    """One without exports, and one with those of two stores, of which nobody could say which one is meant."""
    with pytest.raises(ConfigurationError, match="there is no export in"):
        import_store(MemoryStore(), tmp_path)
    stranger = MemoryStore(clock=clock)
    stranger.save_state("g", "s", {})
    names = kept(source, tmp_path, clock, 1) + kept(stranger, tmp_path, clock, 1)
    with pytest.raises(ConfigurationError, match="exports of 2 stores or governors: name a file") as refused:
        import_store(MemoryStore(), tmp_path)
    assert all(name in str(refused.value) for name in names)


def test_what_is_no_way_to_keep_exports_is_refused(source, tmp_path):
    """Before anything is written; a file's name says by itself how it is written."""
    with pytest.raises(ConfigurationError, match="keep must be an int of at least 1, not 0"):
        Keeping(keep=0)
    with pytest.raises(ConfigurationError, match="the format of exports must be one of json, msgpack, not 'xml'"):
        Keeping(format="xml")
    with pytest.raises(ConfigurationError, match="the compression of exports must be one of none, gzip, zstd, lz4"):
        Keeping(compression="zip")
    with pytest.raises(ConfigurationError, match="keeping is for exports in a folder that is there"):
        export_store(source, tmp_path / "a.jsonl", keeping=Keeping())
    with pytest.raises(ConfigurationError, match="keeping must be of type Keeping"):
        export_store(source, tmp_path, keeping={"keep": 3})  # type: ignore[arg-type]  # what is tested
    assert names_of(tmp_path) == set()


@pytest.mark.parametrize("raw", [b"\x81\xa1a\x01", b"\x81\x01\x02", b"\x93\x01\x02\x03", b"\xc1", b"\x81\xa1\xff\x01"])
def test_a_packed_file_of_somebody_else_is_no_export(tmp_path, raw):
    """Told as that, with its line."""
    (tmp_path / "a.msgpack").write_bytes(raw)
    with pytest.raises(BadExportError, match="line 1"):
        import_store(MemoryStore(), tmp_path / "a.msgpack")


def test_deep_and_large_objects_are_refused(tmp_path):
    """No stack and no memory is used up by them."""
    (tmp_path / "deep.msgpack").write_bytes(b"\x81\xa1a" * 100_000 + b"\x01")
    (tmp_path / "large.msgpack").write_bytes(b"\x81\xa1a\xdb\xff\xff\xff\xff" + b"x" * 1000)
    (tmp_path / "plain.msgpack").write_text(json.dumps({"export": "other"}))
    for name in ("deep", "large", "plain"):
        with pytest.raises(BadExportError, match="line 1"):
            import_store(MemoryStore(), tmp_path / f"{name}.msgpack")
