"""``doctor``."""

import json
import re
import shutil

import pytest
from click.testing import CliRunner

from tai_state import SqliteStore
from tai_state.backends.firestore.checkups import NAMES
from tai_state.backends.redis.checkups import NAMES as NAMES_OF_REDIS
from tai_state.cli import main
from tests.unit.cli.commands.conftest import DOOR
from tests.unit.docs.pages import page, rows, sections

HEADING = "What a store stands on"


def test_a_sound_store_is_a_line_for_each_thing(run):
    """What was looked at, how it is, and what was seen."""
    result = run("doctor")
    told = [line.split()[:2] for line in result.stdout.splitlines()[1:-1]]
    assert ["reachable", "ok"] in told
    assert {status for _, status in told} == {"ok"}
    assert result.stdout.splitlines()[-1] == f"{len(told)} lines: {len(told)} ok"


def test_each_line_is_an_object_with_stable_names(objects):
    """A program reads check, status, message and mend."""
    lines = objects("doctor")
    assert {tuple(line) for line in lines} == {("check", "status", "message", "mend")}
    assert {line["status"] for line in lines} == {"ok"}


def test_machines_are_held_against_every_state(run, tmp_path):
    """Another definition of the same version is a warning, with what mends it below it; the exit code stays 0."""
    same, other = tmp_path / "same.json", tmp_path / "other.json"
    same.write_text(DOOR.to_json())
    other.write_text(DOOR.to_json().replace('"close"', '"slam"'))
    assert "warning" not in run("doctor", "--machine", str(same)).stdout
    lines = run("doctor", "--machine", str(other)).stdout.splitlines()
    (at,) = [number for number, line in enumerate(lines) if line.split()[:2] == ["machines", "warning"]]
    assert lines[at + 1].strip().startswith("mend it: tai-state machine diff")


def test_the_page_names_every_line(objects):
    """Those of every store, of a file, of Firestore, and of Redis, in their order."""
    named = re.findall(r"`(\w+)`", "".join(cells[0] for cells in rows(sections(page("operations.md"))[HEADING])))
    told = [line["check"] for line in objects("doctor")]
    assert named == list(dict.fromkeys([*told, *NAMES, *NAMES_OF_REDIS]))


def test_a_machine_file_that_is_none_is_refused(run, tmp_path):
    """Before anything is looked at."""
    (tmp_path / "bad.json").write_text("{}")
    result = run("doctor", "--machine", str(tmp_path / "bad.json"), code=1)
    assert result.stdout == ""


@pytest.mark.parametrize(("is_empty", "code"), [(True, 1), (False, 0)])
def test_a_copy_without_its_log_is_told(tmp_path, is_empty, code):
    """One that holds nothing, as the copy of a young store does, is a problem; else it is a warning."""
    with SqliteStore(tmp_path / "s.db") as store:
        store.save_state("g", "s", {})
        if is_empty:
            shutil.copy(tmp_path / "s.db", tmp_path / "copy.db")
    if not is_empty:
        shutil.copy(tmp_path / "s.db", tmp_path / "copy.db")
    result = CliRunner().invoke(main, ["--store", f"sqlite:///{tmp_path}/copy.db", "--json", "doctor"])
    assert result.exit_code == code
    line = file_line(tmp_path / "copy.db")
    assert line["status"] == ("problem" if is_empty else "warning")
    assert line["mend"] == "tai-state restore BACKUP"


def test_a_copy_that_was_written_since_is_still_told(tmp_path):
    """With the moment at which it began to be a store of its own."""
    with SqliteStore(tmp_path / "s.db") as store:
        store.save_state("g", "s", {})
    shutil.copy(tmp_path / "s.db", tmp_path / "copy.db")
    with SqliteStore(tmp_path / "copy.db") as store:
        store.save_state("g", "t", {})
    assert "first written 2" in file_line(tmp_path / "copy.db")["message"]


def file_line(path):
    """Return what is said of a file."""
    result = CliRunner().invoke(main, ["--store", f"sqlite:///{path}", "--json", "doctor"])
    (line,) = [one for one in map(json.loads, result.stdout.splitlines()) if one["check"] == "file"]
    return line
