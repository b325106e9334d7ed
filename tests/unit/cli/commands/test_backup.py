"""``backup`` and ``restore``."""

import json
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from tai_state import SqliteStore
from tai_state.cli import main
from tai_state.testing import ManualClock


@pytest.fixture
def on_new(tmp_path):
    """Run a command line on a store that is not there yet, and expect its exit code; None: any."""

    def run(*arguments, code=0, url=f"sqlite:///{tmp_path}/new.db"):
        result = CliRunner().invoke(main, ["--store", url, *arguments])
        assert code is None or result.exit_code == code, result.output
        return result

    return run


def test_a_backup_is_restored(run, on_new, tmp_path):
    """The size is told, and the store is sound."""
    told = json.loads(run("--json", "backup", f"{tmp_path}/b").stdout)
    assert told == {"file": f"{tmp_path}/b", "bytes": (tmp_path / "b").stat().st_size}
    restored = json.loads(on_new("--json", "restore", f"{tmp_path}/b").stdout)
    assert restored == {"store": f"{tmp_path}/new.db", **told}
    assert on_new("verify").stdout == "5 states and 9 events checked: nothing found\n"


def test_a_store_that_is_ahead_is_restored_to_now(on_new, tmp_path):
    """Where that is asked for; else it stays as far ahead as it was."""
    ahead = ManualClock(datetime(2099, 1, 1, tzinfo=UTC))
    with SqliteStore(tmp_path / "ahead.db", clock=ahead) as store:
        store.save_state("g", "s", {})
    for more, status in (((), "problem"), (("--set-clock", "--yes"), "ok")):
        on_new("restore", f"{tmp_path}/ahead.db", *more)
        lines = [json.loads(line) for line in on_new("--json", "doctor", code=None).stdout.splitlines()]
        assert [line["status"] for line in lines if line["check"] == "clock"] == [status]


def test_nothing_is_replaced_unasked(run, on_new, tmp_path):
    """Neither a file by a backup nor a store by a restoration."""
    run("backup", f"{tmp_path}/b")
    before = (tmp_path / "b").read_bytes()
    assert "--yes" in run("backup", f"{tmp_path}/b", code=2).stderr
    run("backup", f"{tmp_path}/b", "--yes")
    on_new("restore", f"{tmp_path}/b")
    assert "--yes" in on_new("restore", f"{tmp_path}/b", code=2).stderr
    on_new("restore", f"{tmp_path}/b", "--yes")
    assert len(before) == (tmp_path / "b").stat().st_size


def test_an_open_store_is_left_alone(run, on_new, tmp_path):
    """One line, and exit code 1: it was reached."""
    run("backup", f"{tmp_path}/b")
    on_new("restore", f"{tmp_path}/b")
    with SqliteStore(tmp_path / "new.db") as store:
        store.save_state("g", "s", {})
        result = on_new("--json", "restore", f"{tmp_path}/b", "--yes", code=1)
    assert json.loads(result.stderr)["error"] == "store_in_use"


@pytest.mark.parametrize("command", ["backup", "restore"])
@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("firestore://p", "gcloud firestore backups schedules create --database='(default)'"),
        ("firestore://p/d", "gcloud firestore databases restore --source-backup="),
        ("memory://", "tai-state export"),
    ],
)
def test_other_engines_have_backups_of_their_own(on_new, tmp_path, command, url, told):
    """Named, with exit code 2, and nothing is done."""
    (tmp_path / "b").touch()
    assert told in " ".join(on_new(command, f"{tmp_path}/b", "--yes", code=2, url=url).stderr.split())


def test_a_store_that_is_not_there_is_not_backed_up(on_new, tmp_path):
    """Nor made."""
    assert "there is no store" in on_new("backup", f"{tmp_path}/b", code=3).stderr
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_backup_is_bad_usage(on_new, tmp_path):
    """It is named, and nothing is made."""
    (tmp_path / "b").write_text("no database, but long enough to look at" * 100)
    assert "not an SQLite database" in on_new("restore", f"{tmp_path}/b", code=2).stderr
    assert [one.name for one in tmp_path.iterdir()] == ["b"]
