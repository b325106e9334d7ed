"""``migrate``."""

import json
import shutil
import sys

import pytest
from click.testing import CliRunner

from tai_state import SqliteStore
from tai_state.cli import main

MODULE = """
UPCASTERS = {1: lambda data: {**data, "size": 1}}
TWICE = {**UPCASTERS, 2: lambda data: {**data, "size": 2}}
RED = {1: lambda data: {"red": data["colour"] == "red"}}
GAP = {1: RED[1], 3: RED[1]}
EMPTY = {}
"""
DOOR = {
    "name": "door",
    "initial": "shut",
    "transitions": [
        {"action": "open", "source": "shut", "target": "open"},
        {"action": "close", "source": "open", "target": "shut"},
    ],
}


@pytest.fixture
def url(store_url, tmp_path, monkeypatch):
    """A copy of the store, in the working folder, where a module of upcasters and a machine file are, too."""
    shutil.copy(store_url.removeprefix("sqlite:///"), tmp_path / "copy.db")
    (tmp_path / "schemas_of_house.py").write_text(MODULE)
    (tmp_path / "door.json").write_text(json.dumps(DOOR))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "schemas_of_house", raising=False)
    return f"sqlite:///{tmp_path / 'copy.db'}"


@pytest.fixture
def migrate(url):
    """Run the command on the copy, and expect its exit code."""

    def run(*arguments, upcasters="schemas_of_house", code=0, answer=None):
        command = ["--store", url, "--actor", "ann", "migrate", *arguments, "--upcasters", upcasters]
        result = CliRunner().invoke(main, command, input=answer)
        assert result.exit_code == code, result.output
        return result

    return run


def labels(url, governor="house"):
    with SqliteStore(url.removeprefix("sqlite:///")) as store:
        return {one.state_id: one.schema_version for one in store.list_states(governor)}


def test_a_store_is_migrated_and_then_sound(url, migrate):
    """By one event for each state; once more, nothing is left to do."""
    told = migrate("--yes", "--reason", "sizes").stdout
    assert told == "4 states checked: 4 migrated to schema version 2, 0 left\n"
    assert labels(url) == {"back": 2, "front": 2, "old": 2}
    with SqliteStore(url.removeprefix("sqlite:///")) as store:
        (event,) = store.get_events("house", "front", after=3)
        assert (event.kind, event.metadata.changed_by, event.metadata.reason) == ("migrate", "ann", "sizes")
    assert migrate("--yes").stdout == "4 states checked: 0 migrated to schema version 2, 0 left\n"
    assert CliRunner().invoke(main, ["--store", url, "verify"]).exit_code == 0


def test_a_dry_run_counts_and_writes_nothing(url, migrate):
    """Its exit code says that something would be done."""
    told = migrate("house", "--dry-run", upcasters="schemas_of_house:TWICE", code=1).stdout
    assert told == "3 states checked: 3 would be migrated to schema version 3, 0 left\n"
    assert labels(url) == {"back": 1, "front": 1, "old": 1}


def test_what_is_left_is_told(url, migrate):
    """A line for each, and exit code 1."""
    result = migrate("house", "--yes", upcasters="schemas_of_house:RED", code=1)
    assert "upcast" in result.stdout
    assert "KeyError" in result.stdout
    assert "3 states checked: 1 migrated to schema version 2, 2 left" in result.stdout
    assert labels(url) == {"back": 1, "front": 2, "old": 1}


def test_a_report_is_data(migrate):
    """With --json each governor is one object, with what is left in it."""
    result = migrate("house", "--yes", "--json", upcasters="schemas_of_house:RED", code=1)
    report = json.loads(result.stdout)
    assert {name: report[name] for name in ("governor_id", "schema_version", "checked", "migrated", "is_dry_run")} == {
        "governor_id": "house",
        "schema_version": 2,
        "checked": 3,
        "migrated": 1,
        "is_dry_run": False,
    }
    assert [(one["state_id"], one["kind"]) for one in report["problems"]] == [("back", "upcast"), ("old", "upcast")]


def test_one_state_and_one_machine_are_migrated_alone(url, migrate):
    """As they are named."""
    migrate("house", "front", "--yes")
    assert labels(url) == {"back": 1, "front": 2, "old": 1}
    migrate("--machine", "door.json", "--yes")
    assert labels(url) == {"back": 2, "front": 2, "old": 1}


WRONG = {
    "no such module": (["house", "--yes"], "no_such_module", "cannot be imported"),
    "no such name": (["house", "--yes"], "schemas_of_house:NONE", "has no 'NONE'"),
    "no dict": (["house", "--yes"], "json:dumps", "is no dict"),
    "none": (["house", "--yes"], "schemas_of_house:EMPTY", "there are no upcasters"),
    "a gap": (["house", "--yes"], "schemas_of_house:GAP", "none from there to 3"),
    "too few": (["house", "--yes", "--schema-version", "3"], "schemas_of_house", "none from there to 3"),
    "too many": (["house", "--yes", "--schema-version", "2"], "schemas_of_house:TWICE", "raise it"),
    "no machine": (["house", "--yes", "--machine", "none.json"], "schemas_of_house", "there is no machine file"),
    "no terminal": (["house"], "schemas_of_house", "--yes says that it may write"),
}


@pytest.mark.parametrize(("arguments", "upcasters", "told"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_migrated_by_is_bad_usage(url, migrate, arguments, upcasters, told):
    """Exit code 2, one clear line, and nothing is written."""
    result = migrate(*arguments, upcasters=upcasters, code=2)
    assert told in " ".join(result.stderr.split())
    assert labels(url) == {"back": 1, "front": 1, "old": 1}


@pytest.mark.parametrize(("arguments", "told"), [(["nobody"], "governor 'nobody'"), (["house", "no"], "state 'no'")])
def test_what_is_not_there_is_not_found(migrate, arguments, told):
    """Exit code 1."""
    assert told in migrate(*arguments, "--yes", code=1).stderr


def test_a_governor_without_states_of_the_machine_has_nothing_to_migrate(url, migrate):
    """Which is no failure."""
    (governor,) = {line["governor_id"] for line in map(json.loads, _governors(url))} - {"house"}
    assert migrate(governor, "--machine", "door.json", "--yes").stdout.startswith("0 states checked")


def _governors(url):
    return CliRunner().invoke(main, ["--store", url, "--json", "governors"]).stdout.splitlines()
