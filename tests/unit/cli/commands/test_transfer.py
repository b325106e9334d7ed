"""``export`` and ``import``."""

import json
import sqlite3

import pytest
from click.testing import CliRunner

from tai_state import SqliteStore
from tai_state.cli import main
from tai_state.layout import state_layout


@pytest.fixture
def on_copy(tmp_path):
    """Run a command line on a store that is not there yet, and expect its exit code."""

    def run(*arguments, code=0):
        result = CliRunner().invoke(main, ["--store", f"sqlite:///{tmp_path}/copy.db", *arguments])
        assert result.exit_code == code, result.output
        return result

    return run


def test_a_store_goes_to_another_place(run, on_copy, tmp_path):
    """What it holds is told on both ways, and the copy is sound."""
    told = run("export", f"{tmp_path}/a.jsonl.gz").stdout.splitlines()
    assert [line.split() for line in told[1:]] == [
        ["governors", "2"],
        ["states", "5"],
        ["events", "9"],
        ["documents", "14"],
    ]
    result = on_copy("import", f"{tmp_path}/a.jsonl.gz")
    assert "14: 14 written, 0 there already" in result.stdout
    assert "nothing found" in result.stderr
    assert "14: 0 written, 14 there already" in on_copy("import", f"{tmp_path}/a.jsonl.gz").stdout
    assert on_copy("verify").stdout == "5 states and 9 events checked: nothing found\n"


def test_one_governor_goes_alone(run, on_copy, tmp_path, odd):
    """It stands before the file, whatever its name is."""
    run("export", odd, f"{tmp_path}/a.jsonl")
    assert "2 written" in on_copy("import", f"{tmp_path}/a.jsonl").stdout
    assert json.loads(on_copy("--json", "governors").stdout)["governor_id"] == odd


def test_a_program_reads_one_object(run, on_copy, tmp_path):
    """The fields of the library's reports."""
    exported = json.loads(run("--json", "export", f"{tmp_path}/a.jsonl").stdout)
    assert (exported["documents"], exported["left_out"]) == (14, [])
    imported = json.loads(on_copy("--json", "import", f"{tmp_path}/a.jsonl").stdout)
    assert (imported["written"], imported["reports"]) == (14, [])


@pytest.mark.parametrize("command", ["backup", "export"])
def test_the_store_itself_is_never_overwritten(on_copy, run, tmp_path, command):
    """Whatever is allowed: bad usage, and the store is as it was."""
    run("export", f"{tmp_path}/a.jsonl")
    on_copy("import", f"{tmp_path}/a.jsonl")
    assert "is the store itself" in on_copy(command, f"{tmp_path}/copy.db", "--yes", code=2).stderr
    assert on_copy("verify").stdout == "5 states and 9 events checked: nothing found\n"


def test_a_file_is_not_overwritten_unasked(run, tmp_path):
    """Without a terminal, --yes is needed."""
    (tmp_path / "a.jsonl").write_text("mine")
    assert "--yes" in run("export", f"{tmp_path}/a.jsonl", code=2).stderr
    assert (tmp_path / "a.jsonl").read_text() == "mine"
    run("export", f"{tmp_path}/a.jsonl", "--yes")
    assert (tmp_path / "a.jsonl").read_text() != "mine"


def test_a_governor_that_never_was_makes_no_file(run, tmp_path):
    """It is not found."""
    assert "'none'" in run("export", "none", f"{tmp_path}/a.jsonl", code=1).stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [(), ("a", "b", "c")])
def test_other_numbers_of_arguments_are_bad_usage(run, arguments):
    """One file, or a governor and a file."""
    assert "one file" in run("export", *arguments, code=2).stderr


def test_a_folder_that_is_not_there_is_named(run, tmp_path):
    """One clear line."""
    assert f"the folder is not there: '{tmp_path}/none'" in run("export", f"{tmp_path}/none/a.jsonl", code=1).stderr


def test_another_history_is_told(run, on_copy, tmp_path):
    """With the state and the line; exit code 1."""
    run("export", f"{tmp_path}/a.jsonl")
    with SqliteStore(tmp_path / "copy.db") as store:
        store.save_state("house", "front", {})
    result = on_copy("--json", "import", f"{tmp_path}/a.jsonl", code=1)
    told = json.loads(result.stderr.splitlines()[-1])
    assert told["error"] == "history_conflict"
    assert "state 'front' of governor 'house'" in told["message"]


def test_a_file_that_is_cut_off_is_told_by_its_line(run, on_copy, tmp_path):
    """What was imported stays, and the whole file goes on from there."""
    run("export", f"{tmp_path}/a.jsonl")
    whole = (tmp_path / "a.jsonl").read_bytes()
    (tmp_path / "a.jsonl").write_bytes(b"".join(whole.splitlines(keepends=True)[:9]))
    assert "line 10" in on_copy("import", f"{tmp_path}/a.jsonl", code=1).stderr
    (tmp_path / "a.jsonl").write_bytes(whole)
    on_copy("import", f"{tmp_path}/a.jsonl")


def test_a_damaged_store_makes_a_damaged_copy(run, on_copy, tmp_path):
    """The check behind the import lists what it finds, and its exit code says so."""
    path = state_layout("house", "front").event(2)
    run("export", f"{tmp_path}/a.jsonl")
    on_copy("import", f"{tmp_path}/a.jsonl")
    with sqlite3.connect(tmp_path / "copy.db") as connection:
        connection.execute("DELETE FROM documents WHERE collection = ? AND id = ?", (path.collection, path.id))
    connection.close()
    on_copy("export", f"{tmp_path}/b.jsonl")
    result = CliRunner().invoke(main, ["--store", f"sqlite:///{tmp_path}/third.db", "import", f"{tmp_path}/b.jsonl"])
    assert (result.exit_code, "missing_event" in result.stdout) == (1, True)


def test_what_could_not_be_carried_is_listed(run, on_copy, tmp_path):
    """Exit code 1."""
    run("export", f"{tmp_path}/a.jsonl")
    on_copy("import", f"{tmp_path}/a.jsonl")
    with sqlite3.connect(tmp_path / "copy.db") as connection:
        connection.execute(
            "INSERT INTO documents SELECT collection, 'a.b', 1, 1, body, NULL, NULL, NULL FROM documents LIMIT 1"
        )
    connection.close()
    result = on_copy("export", f"{tmp_path}/b.jsonl", code=1)
    assert "a.b" in result.stdout
    assert "1 document could not be carried" in result.stderr


def test_a_folder_holds_so_many_exports_and_gives_the_newest_sound_one(run, objects, tmp_path):
    """Which were passed over is told; what only a folder takes is bad usage beside a file."""
    folder = tmp_path / "kept"
    folder.mkdir()
    words = ["export", str(folder), "--keep", "2", "--compression", "gzip", "--format", "msgpack"]
    told = [objects(*words)[0] for _ in range(3)][-1]
    names = sorted(one.name for one in folder.iterdir())
    assert [told["file"].endswith(names[-1]), *(name.endswith(".msgpack.gz") for name in names)] == [True] * 3
    (folder / names[1]).write_bytes(b"cut")
    done = CliRunner().invoke(main, ["--store", f"sqlite:///{tmp_path}/copy.db", "import", str(folder)])
    assert done.exit_code in {0, 1}, done.output
    assert f"passed over: {folder}/{names[1]}, line 1" in done.stderr
    assert names[0] in done.stdout
    assert "for a folder that is there" in run("export", str(tmp_path / "a.jsonl"), "--keep", "2", code=2).stderr
