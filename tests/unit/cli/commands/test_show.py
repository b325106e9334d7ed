"""``show``."""

import json
import sqlite3
from contextlib import closing

import pytest
from click.testing import CliRunner

from tai_state import SqliteStore
from tai_state.cli import main


def test_a_state_is_shown(objects):
    """The current state is one object, as the store gives it."""
    (found,) = objects("show", "house", "front")
    assert (found["status"], found["version"], found["data"]) == ("shut", 3, {"colour": "red"})
    assert (found["machine_name"], found["metadata"]["changed_by"]) == ("door", "ann")


def test_a_state_is_shown_for_people(run):
    """A line for each field."""
    lines = dict(line.split(maxsplit=1) for line in run("show", "house", "front").stdout.splitlines()[:4])
    assert lines == {"governor": "house", "state": "front", "status": "shut", "version": "3"}


def test_an_earlier_version_is_replayed(objects):
    """--version shows the state as its events made it."""
    (found,) = objects("show", "house", "front", "--version", "2")
    assert (found["status"], found["version"], found["metadata"]["reason"]) == ("open", 2, "[b]hot\n")


def test_a_version_that_never_was_is_not_found(run):
    """The versions that there are are named."""
    error = json.loads(run("--json", "show", "house", "front", "--version", "9", code=1).stderr)
    assert error["error"] == "version_not_found"
    assert "1 to 3" in error["message"]


def test_a_state_is_shown_as_of_a_time(objects):
    """--at shows the last version before the first later event."""
    assert objects("show", "house", "old", "--at", "2020-01-01T01:00:00+01:00")[0]["version"] == 1


def test_before_its_first_event_there_is_no_state(run):
    """--at before the creation finds nothing."""
    run("show", "house", "old", "--at", "2019-12-31T23:59:59Z", code=1)


@pytest.mark.parametrize("time", ["2020-01-01T00:00:00", "2020-01-01", "yesterday"])
def test_a_time_without_an_offset_is_refused(run, time):
    """Nobody guesses whose time it is."""
    assert "--at" in run("show", "house", "old", "--at", time, code=2).stderr


def test_version_and_time_exclude_each_other(run):
    """Two questions at once are bad usage."""
    run("show", "house", "old", "--at", "2020-01-01T00:00:00Z", "--version", "1", code=2)


@pytest.mark.parametrize("state", ["gone", "never"])
def test_a_state_that_is_not_there_is_not_found(run, state):
    """Deleted or never made: exit code 1."""
    assert json.loads(run("--json", "show", "house", state, code=1).stderr)["error"] == "state_not_found"


def test_a_deleted_state_can_be_seen_at_its_versions(objects):
    """The history outlives the state."""
    assert [objects("show", "house", "gone", "--version", str(n))[0]["deleted"] for n in (1, 2)] == [False, True]


def test_stored_bytes_are_written_reversibly(objects):
    """JSON has no bytes: the codec's form stands in."""
    assert objects("show", "house", "old")[0]["data"] == {"raw": {"$bytes": "/w=="}}


@pytest.mark.parametrize(
    "damage",
    ["DELETE FROM documents", "UPDATE documents SET body = CAST(replace(body, 'red', 'blue') AS BLOB)"],
    ids=["rebuilt", "tampered"],
)
def test_a_state_that_had_to_be_rebuilt_exits_1(tmp_path, damage):
    """What its events say is shown, stderr says why, and the exit code that something is left to do."""
    path = tmp_path / "store.db"
    with SqliteStore(path, actor="ann") as store:
        store.save_state("house", "front", {"colour": "red"})
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"{damage} WHERE collection = 'governors/house/states' AND id = 'front'")
    shown = CliRunner().invoke(main, ["--store", f"sqlite:///{path}", "--json", "show", "house", "front"])
    found = json.loads(shown.stdout)
    assert (shown.exit_code, found["data"], found["recovered"]) == (1, {"colour": "red"}, True)
    assert "missing or damaged" in shown.stderr
