"""The options that every command takes, wherever they stand."""

import json

import pytest

from tai_state import SqliteStore


@pytest.fixture
def path(tmp_path):
    """A store with one state."""
    with SqliteStore(tmp_path / "i.db") as store:
        store.save_state("g", "s", {})
    return tmp_path / "i.db"


def test_json_and_store_stand_before_or_behind_the_command(run, path):
    """Either way, and between a group and its command, they mean the same."""
    url = f"sqlite:///{path}"
    lines = {
        run(*arguments).stdout
        for arguments in (
            ("--store", url, "--json", "governors"),
            ("governors", "--store", url, "--json"),
            ("--json", "governors", "--store", url),
        )
    }
    assert lines == {'{"governor_id": "g"}\n'}


def test_what_stands_behind_the_command_goes_first(run, path):
    """It is nearer to what it is for."""
    assert run("--store", "sqlite:////no/such/file", "governors", "--store", f"sqlite:///{path}").exit_code == 0


def test_an_error_is_json_where_json_stands_behind(run):
    """Errors of the usage, too."""
    assert json.loads(run("show", "g", "--json").stderr)["error"] == "usage"


@pytest.mark.parametrize("behind", [False, True])
def test_the_author_stands_before_or_behind(run, path, tmp_path, behind):
    """--reason, as --actor, is of every change."""
    line = {"at": "2026-01-01T00:00:00Z", "governor": "g", "machine": "m", "from": None, "to": "a"}
    (tmp_path / "log").write_text(json.dumps(line | {"actor": "ann", "data": {}}))
    command, reason = ["ingest", str(tmp_path / "log"), "--store", f"sqlite:///{path}"], ["--reason", "import"]
    assert run(*(command + reason if behind else reason + command)).exit_code == 0
    with SqliteStore(path) as store:
        assert store.get_state("g", "m")[0].metadata.reason == "import"


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "soon"])
def test_a_timeout_is_a_number_of_seconds(run, path, seconds):
    """Anything else is bad usage."""
    assert run("--store", f"sqlite:///{path}", "governors", "--timeout", seconds).exit_code == 2


def test_the_help_lists_them_apart(run):
    """A command's own options stand first."""
    text = run("states", "--help").stdout
    assert text.index("--status") < text.index("Options of every command") < text.index("--store URL")
