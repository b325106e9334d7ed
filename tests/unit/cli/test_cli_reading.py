"""The commands that read: governors, states, show, history, stats."""

import json
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from tai_state import ChangeMetadata, Machine, SqliteStore, StateMachinePersister, Transition
from tai_state.cli import main

ODD = "a/b \x1b[31m é"
DOOR = Machine("door", "shut", [Transition("open", "shut", "open"), Transition("close", "open", "shut")])


@pytest.fixture(scope="module")
def store_url(tmp_path_factory):
    """A file with a governor of a machine, one of plain data, and odd ids."""
    path = tmp_path_factory.mktemp("reading") / "store.db"
    with SqliteStore(path, actor="ann") as store:
        persister = StateMachinePersister(store, DOOR)
        persister.start("house", "front", {"colour": "red"})
        persister.transition("house", "front", "open", metadata=ChangeMetadata(changed_by="bob", reason="[b]hot\n"))
        persister.transition("house", "front", "close")
        persister.start("house", "back")
        persister.transition("house", "back", "open")
        store.save_state("house", "gone", {})
        store.delete_state("house", "gone")
        StateMachinePersister(store).log_transition(
            "house", "old", "made", to_status="made", data={"raw": b"\xff"}, timestamp=datetime(2020, 1, 1, tzinfo=UTC)
        )
        store.save_state(ODD, ODD, {"text": "\x07"}, status=ODD)
    return f"sqlite:///{path}"


@pytest.fixture
def run(store_url):
    def run(*arguments, code=0):
        result = CliRunner().invoke(main, ["--store", store_url, *arguments])
        assert result.exit_code == code, result.output
        return result

    return run


@pytest.fixture
def objects(run):
    def objects(*arguments):
        return [json.loads(line) for line in run("--json", *arguments).stdout.splitlines()]

    return objects


def test_governors_are_listed(objects):
    """Each governor is one object."""
    assert [found["governor_id"] for found in objects("governors")] == [ODD, "house"]


def test_an_odd_id_is_shown_harmlessly(run):
    """Control characters in ids and texts never reach the terminal."""
    for arguments in (["governors"], ["states", ODD], ["show", ODD, ODD], ["history", ODD, ODD], ["stats", ODD]):
        assert "\x1b" not in run(*arguments).stdout
        assert "\x07" not in run("--json", *arguments).stdout
    assert "a/b \\x1b[31m é" in run("governors").stdout


def test_states_are_listed_with_status_and_version(run):
    """A row for each living state."""
    rows = run("states", "house").stdout.splitlines()
    assert [row.split()[:3] for row in rows[1:]] == [
        ["back", "open", "2"],
        ["front", "shut", "3"],
        ["old", "made", "1"],
    ]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--status", "open"], ["back"]),
        (["--limit", "2"], ["back", "front"]),
        (["--deleted"], ["back", "front", "gone", "old"]),
    ],
)
def test_states_can_be_chosen(objects, options, expected):
    """By status, by number, and with the deleted ones."""
    assert [found["state_id"] for found in objects("states", "house", *options)] == expected


def test_no_such_status_is_an_empty_list(run):
    """A governor that is there, and has none: exit code 0."""
    result = run("states", "house", "--status", "none")
    assert result.stdout == ""
    assert "no state" in result.stderr


@pytest.mark.parametrize("command", [["states"], ["stats"]])
def test_an_unknown_governor_is_named(run, command):
    """A governor that never was is not the same as an empty list."""
    assert json.loads(run("--json", *command, "huose", code=1).stderr)["error"] == "governor_not_found"


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


def test_history_is_a_row_for_each_change(run):
    """Version, action, from and to, by whom and why."""
    rows = run("history", "house", "front").stdout.splitlines()
    assert rows[0].split("  ")[0] == "VERSION"
    assert rows[1].endswith("start   -> shut       ann")
    assert rows[2].endswith("open    shut -> open  bob  [b]hot\\n")


def test_history_is_given_in_pages(objects):
    """--after and --limit cut it by versions."""
    events = objects("history", "house", "front", "--after", "1", "--limit", "1")
    assert [(event["version"], event["action"], event["kind"]) for event in events] == [(2, "open", "transition")]


def test_history_behind_the_last_change_is_empty(run):
    """No change, no error."""
    assert run("history", "house", "front", "--after", "3").stdout == ""


def test_history_of_nothing_is_not_found(run):
    """A state that never was has no history."""
    run("history", "house", "never", code=1)


def test_stats_count_a_governor(objects):
    """One object, with the states by status."""
    assert objects("stats", "house") == [
        {
            "governor_id": "house",
            "states": 3,
            "deleted": 1,
            "events": 8,
            "by_status": {"made": 1, "open": 1, "shut": 1},
        }
    ]


def test_stats_count_every_governor(objects):
    """A line each."""
    assert [found["events"] for found in objects("stats")] == [1, 8]


def test_an_id_that_cannot_be_is_bad_usage(run):
    """An empty id is refused before the store is asked."""
    run("states", "", code=2)


def test_an_empty_store_says_so(tmp_path):
    """No governors: nothing on stdout, a word on stderr."""
    with SqliteStore(tmp_path / "empty.db") as store:
        assert not store.exists("g", "s")
    result = CliRunner().invoke(main, ["--store", f"sqlite:///{tmp_path}/empty.db", "governors"])
    assert (result.exit_code, result.stdout) == (0, "")
    assert "no governors" in result.stderr
