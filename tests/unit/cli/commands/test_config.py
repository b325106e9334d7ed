"""``config``: what is set, and from where; and that commands heed it."""

import json
import logging
from pathlib import Path

import pytest
from click.testing import CliRunner

from tai_state import SqliteStore
from tai_state.cli import main
from tai_state.cli.commands import serve as serving
from tai_state.settings.keys import KEYS

TEXT = """
store = "sqlite:///mine.db"
[locks]
ttl = "1m 30s"
[server]
host = "127.0.0.9"
port = 1234
machines = ["door.json"]
cors = ["https://a.example"]
[telemetry]
logs = "json"
level = "DEBUG"
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Call the program in a folder with settings and a store, and expect its exit code."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TAI_STATE_STORE", raising=False)
    (tmp_path / "tai-state.toml").write_text(TEXT, encoding="utf-8")
    with SqliteStore("mine.db") as store:
        store.save_state("g", "s", {})

    def run(*words, code=0):
        result = CliRunner().invoke(main, words)
        assert result.exit_code == code, result.output
        return result

    return run


def test_what_is_set_is_shown_with_its_origin(run, monkeypatch):
    """For people as a table, for programs a line each."""
    monkeypatch.setenv("TAI_STATE_ACTOR", "ann")
    assert run("config", "show").stdout.splitlines()[:4] == [
        "SETTING          VALUE              FROM",
        "store            sqlite:///mine.db  tai-state.toml",
        "actor            ann                $TAI_STATE_ACTOR",
        "locks.ttl        90.0               tai-state.toml",
    ]
    shown = [json.loads(line) for line in run("--json", "config", "show", "--all").stdout.splitlines()]
    assert [one["key"] for one in shown] == list(KEYS)
    assert {one["key"]: one for one in shown}["feed"] == {"key": "feed", "value": None, "origin": "default"}


def test_sound_settings_are_said_to_be(run, tmp_path):
    """With how many there are, and where they stand; no store is opened for it."""
    (tmp_path / "mine.db").unlink()
    assert run("config", "check").stdout == "sound: 8 settings from tai-state.toml\n"
    (tmp_path / "tai-state.toml").unlink()
    assert run("config", "check").stdout == "nothing is set: every setting has its default\n"
    assert not (tmp_path / "mine.db").exists()


def test_what_is_no_setting_is_refused_by_every_command(run, tmp_path):
    """As bad usage, and before a store is opened."""
    (tmp_path / "tai-state.toml").write_text("[locks]\ntlt = 3\n", encoding="utf-8")
    for words in (["config", "check"], ["config", "show"], ["governors"], ["serve"]):
        assert "[locks] 'tlt' is no setting: did you mean ttl?" in run(*words, code=2).stderr


def test_commands_use_the_store_of_the_settings(run, monkeypatch, tmp_path):
    """The variable goes before the file, and the option before both."""
    assert run("governors").stdout.split() == ["GOVERNOR", "g"]
    monkeypatch.setenv("TAI_STATE_STORE", "sqlite:///none.db")
    assert "none.db" in run("governors", code=3).stderr
    assert run("governors", "--store", "sqlite:///mine.db").stdout.split() == ["GOVERNOR", "g"]
    monkeypatch.delenv("TAI_STATE_STORE")
    (tmp_path / "other.toml").write_text('store = "sqlite:///none.db"', encoding="utf-8")
    assert "none.db" in run("--config", "other.toml", "governors", code=3).stderr
    monkeypatch.setenv("TAI_STATE_CONFIG", "other.toml")
    assert "none.db" in run("governors", code=3).stderr


def test_the_server_is_as_its_section_says(run, monkeypatch):
    """And logs as the section beside it says; what its options say goes first."""
    told = []

    def listen(session, host, port, *, machines, auth, cors):
        del auth
        level = logging.getLogger("tai_state").level
        told.append((session.place, host, port, [one.name for one in machines], cors, level))
        logging.getLogger("tai_state").debug("begun")

    monkeypatch.setattr(serving, "run", listen)
    before = list(logging.getLogger("tai_state").handlers)
    door = {"name": "door", "initial": "shut", "transitions": [{"action": "open", "source": "shut", "target": "open"}]}
    Path("door.json").write_text(json.dumps(door), encoding="utf-8")
    (line,) = run("serve").stderr.splitlines()
    assert json.loads(line)["message"] == "begun"
    run("serve", "--port", "7", "--host", "127.0.0.1", "--cors", "https://b.example")
    assert told == [
        ("sqlite:///mine.db", "127.0.0.9", 1234, ["door"], ("https://a.example",), logging.DEBUG),
        ("sqlite:///mine.db", "127.0.0.1", 7, ["door"], ("https://b.example",), logging.DEBUG),
    ]
    assert logging.getLogger("tai_state").handlers == before
