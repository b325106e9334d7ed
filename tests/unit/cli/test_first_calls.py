"""Every command as a newcomer calls it: without a store, with a wrong id, on a file that is none of ours, a dead port.

Each ends with one line that says what is wrong, and the exit code of that; a traceback is a defect.
"""

import json
import shutil
import sqlite3

import pytest
from click.testing import CliRunner

from tai_state.cli import main
from tests.unit.cli.calls import CALLS, STORE, leaves, make_files, of_kinds

WITH_STORE = of_kinds("reads", "changes", "makes")
MISSING = {"state_not_found", "governor_not_found", "lock_not_found", "subscription_not_found"}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """What the calls name."""
    folder = tmp_path_factory.mktemp("first")
    make_files(folder)
    return folder


@pytest.fixture
def call(made, tmp_path, monkeypatch):
    """Call a command in a folder with those files, and return its exit code and its error."""
    for file in made.iterdir():
        shutil.copy(file, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))

    def call(words, store=f"sqlite:///{STORE}", options=()):
        result = CliRunner().invoke(main, ["--store", store, "--json", *options, *words])
        assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
        lines = [json.loads(line) for line in result.stderr.splitlines()] if result.exit_code else [{}]
        assert len(lines) == 1, result.stderr
        return result.exit_code, lines[0].get("error"), lines[0].get("message", "")

    return call


def test_every_command_is_tried():
    """One that is new has a call in the table, or this fails."""
    assert sorted(CALLS) == leaves()


@pytest.mark.parametrize("name", WITH_STORE)
def test_a_call_that_is_right_succeeds(call, name):
    """What the other tests make wrong is all that is wrong there."""
    assert call(CALLS[name].words)[:2] == (0, None)


@pytest.mark.parametrize("kind", ["none", "empty"])
@pytest.mark.parametrize("name", of_kinds("reads", "changes"))
def test_a_store_that_is_not_there_is_told_and_not_made(call, tmp_path, name, kind):
    """Neither is one made of an empty file, whatever the command would do with a store."""
    path = tmp_path / "new.db"
    if kind == "empty":
        path.touch()
    code, error, message = call(CALLS[name].words, "sqlite:///new.db")
    assert (code, error) == (3, "store_missing")
    assert str(path) in message
    assert [file.stat().st_size for file in tmp_path.glob("new.db*")] == ([0] if kind == "empty" else [])


@pytest.mark.parametrize("name", of_kinds("makes"))
def test_what_brings_data_makes_the_store(call, tmp_path, name):
    """It is what a newcomer begins with."""
    assert call(CALLS[name].words, "sqlite:///new.db")[:2] == (0, None)
    assert (tmp_path / "new.db").exists()


@pytest.mark.parametrize("name", [name for name in CALLS if CALLS[name].unknown])
def test_what_is_not_there_is_named(call, name):
    """A governor, a state or a lock: its name is in the line."""
    code, error, message = call(CALLS[name].unknown)
    assert (code, error in MISSING) == (1, True)
    assert "'none'" in message


@pytest.mark.parametrize("name", [name for name in CALLS if CALLS[name].unknown])
def test_an_id_that_can_be_none_is_bad_usage(call, name):
    """The empty one, as a variable of a shell is that was never set."""
    words = ["" if word == "none" else word for word in CALLS[name].unknown]
    assert call(words)[:2] == (2, "invalid_id")


def _text(path):
    path.write_text("no store at all\n" * 400)


def _foreign(path):
    path.unlink()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.commit()
    connection.close()


def _folder(path):
    path.unlink()
    path.mkdir()


def _newer(path):
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.commit()
    connection.close()


def _damaged(path):
    raw = bytearray(path.read_bytes())
    raw[4096:] = bytes(number * 7 % 256 for number in range(len(raw) - 4096))
    path.write_bytes(raw)


def _truncated(path):
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) // 2])


STRANGE = {
    "text": (_text, 2, "configuration"),
    "foreign": (_foreign, 2, "configuration"),
    "folder": (_folder, 2, "configuration"),
    "newer": (_newer, 1, "schema_version"),
    "damaged": (_damaged, 1, "store_damaged"),
    "truncated": (_truncated, 1, "store_damaged"),
}


@pytest.mark.parametrize("kind", STRANGE)
@pytest.mark.parametrize("name", WITH_STORE)
def test_a_file_that_is_no_store_is_told_as_what_it_is(call, tmp_path, name, kind):
    """It is left as it was, where it is not a store of ours that a backup takes the place of."""
    spoil, code, error = STRANGE[kind]
    path = tmp_path / "odd.db"
    shutil.copy(STORE, path)
    spoil(path)
    before = path.read_bytes() if path.is_file() else None
    told = call(CALLS[name].words, "sqlite:///odd.db")
    if name == "restore" and error == "store_damaged":
        assert told[:2] == (0, None)
        return
    assert told[:2] == (code, error)
    assert "odd.db" in told[2]
    if kind != "damaged":
        assert (path.read_bytes() if path.is_file() else None) == before


@pytest.mark.parametrize("name", WITH_STORE)
def test_a_port_where_nobody_answers_is_told(call, name, monkeypatch):
    """With what was tried, once the time that was allowed is over."""
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:1")
    code, error, message = call(CALLS[name].words, "firestore://p", ("--timeout", "0.02"))
    if CALLS[name].only_sqlite:
        assert (code, error) == (2, "usage")
        return
    assert (code, error in {"deadline_exceeded", "store_unavailable", "retries_exhausted"}) == (3, True)
    assert "seconds" in message


@pytest.mark.parametrize("store", ["ftp://x", "sqlite:///no/such/folder/s.db"])
@pytest.mark.parametrize("name", of_kinds("makes"))
def test_a_place_where_no_store_can_be_is_bad_usage(call, name, store):
    """An engine that there is not, a folder that is not there."""
    assert call(CALLS[name].words, store)[0] == 2


@pytest.mark.parametrize("name", of_kinds("files"))
def test_what_needs_no_store_asks_for_none(call, name, monkeypatch):
    """It works beside a store that is broken; the emulator's commands are tried where there is one."""
    if name.startswith("emulator"):
        return
    assert call(CALLS[name].words, "sqlite:///no/such/folder/s.db")[:2] == (0, None)
