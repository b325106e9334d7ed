"""``history``."""

import json
import threading

import pytest
from click.testing import CliRunner

from tai_state import PersistenceConfig, SqliteStore, StateMachinePersister
from tai_state.cli import main


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


@pytest.fixture
def follow(tmp_path):
    """Run the command with --follow on a state with one change, while more come; expect its exit code."""
    path = tmp_path / "store.db"
    with SqliteStore(path, actor="ann") as store:
        store.save_state("house", "front", {"n": 0})

    def run(*arguments, code=0, changes=5):
        def write():
            with SqliteStore(path, actor="bob") as store:
                for n in range(changes):
                    store.save_state("house", "front", {"n": n + 1})

        writer = threading.Thread(target=write)
        writer.start()
        result = CliRunner().invoke(main, ["--store", f"sqlite:///{path}", "history", *arguments, "--follow"])
        writer.join()
        assert result.exit_code == code, result.output
        return result

    return run


def test_a_history_goes_on_with_what_comes(follow):
    """Each change once, in order, up to the limit."""
    found = follow("house", "front", "--limit", "6", "--json").stdout.splitlines()
    assert [json.loads(line)["version"] for line in found] == [1, 2, 3, 4, 5, 6]


def test_a_table_goes_on_with_a_row_for_each_change(follow):
    """By whom, when and why; also behind a version that is still to come."""
    title, *rows = follow("house", "front", "--after", "3", "--limit", "2").stdout.splitlines()
    assert title.split("  ")[0] == "VERSION"
    assert [(row.split()[0], row.split()[-1]) for row in rows] == [("4", "bob"), ("5", "bob")]


def test_a_state_that_never_was_is_not_followed(follow):
    """Its name is mistyped, more likely than early."""
    assert "'never'" in follow("house", "never", code=1).stderr


@pytest.mark.parametrize("more", [(), ("--follow", "--limit", "3")], ids=["listed", "followed"])
def test_a_history_that_was_trimmed_begins_with_what_there_is(tmp_path, more):
    """Who asks for all is given the rest, and told; who asks for what is gone is told that it is."""
    with SqliteStore(tmp_path / "store.db", actor="ann") as store:
        persister = StateMachinePersister(store, config=PersistenceConfig(snapshot_interval=2, segment_events=2))
        for n in range(7):
            persister.log_transition("house", "front", "go", to_status="x", data={"n": n})
        persister.trim("house", "front", before_version=5)

    def history(*arguments):
        url = f"sqlite:///{tmp_path / 'store.db'}"
        return CliRunner().invoke(main, ["--store", url, "history", "house", "front", "--json", *arguments, *more])

    result = history()
    assert [json.loads(line)["version"] for line in result.stdout.splitlines()] == [5, 6, 7]
    assert "versions up to 4 were trimmed" in result.stderr
    assert (history("--after", "2").exit_code, history("--after", "2").stdout) == (1, "")
