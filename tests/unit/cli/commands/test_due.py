"""``due``."""

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner

from tai_state import Machine, PersistenceConfig, SqliteStore, StateMachinePersister, Transition
from tai_state.cli import main
from tai_state.due import Timeout

DOOR = Machine(
    "door",
    "shut",
    [Transition("open", "shut", "open"), Transition("close", "open", "shut")],
    timeouts={"open": Timeout(timedelta(hours=1), "close")},
)
BELL = Machine("bell", "still", [Transition("ring", "still", "ringing")])


@pytest.fixture
def store(tmp_path):
    """A store with a door that is to be opened now, and a bell that is to ring much later."""
    (tmp_path / "door.json").write_text(DOOR.to_json())
    (tmp_path / "bell.json").write_text(BELL.to_json())
    with SqliteStore(tmp_path / "due.db", actor="ann") as store:
        doors, bells = StateMachinePersister(store, DOOR), StateMachinePersister(store, BELL)
        doors.start("g", "front", {})
        doors.schedule("g", "front", "open", after=timedelta(0))
        bells.start("h", "bell", {})
        bells.schedule("h", "bell", "ring", after=timedelta(days=3))
        yield store


@pytest.fixture
def call(store, tmp_path):
    """Run a command of the group on it, and expect its exit code."""

    def run(*arguments, code=0):
        machines = [word for name in ("door", "bell") for word in ("--machine", str(tmp_path / f"{name}.json"))]
        url = f"sqlite:///{tmp_path / 'due.db'}"
        result = CliRunner().invoke(main, ["--store", url, "--actor", "eve", *arguments, *machines])
        assert result.exit_code == code, result.output
        return result

    return run


def test_what_is_due_is_listed_in_the_order_of_time(call, store):
    """Now or later, of all machines that are named."""
    lines = call("due", "list").output.splitlines()
    assert [line.split()[2:6] for line in lines[1:]] == [["open", "g", "front", "shut"], ["ring", "h", "bell", "still"]]
    now = store.get_state("g", "front")[0].due_at + timedelta(hours=1)
    assert len(call("due", "list", "--until", now.isoformat()).output.splitlines()) == 2
    rows = [json.loads(line) for line in call("--json", "due", "list", "--limit", "1").output.splitlines()]
    assert [(row["state_id"], row["machine"], row["due_action"], row["tries"]) for row in rows] == [
        ("front", "door", "open", 0)
    ]


def test_what_is_due_is_done_once(call, store):
    """Its count is told, and the next call finds nothing."""
    assert call("due", "run", "--once").output == "1 move made\n"
    assert json.loads(call("--json", "due", "run", "--once").output) == {"made": 0}
    *_, event = store.get_events("g", "front")
    assert (event.action, event.metadata.changed_by) == ("open", "eve")


def test_nothing_due_is_told(call):
    """To a person; a program sees no line."""
    call("due", "run", "--once")
    result = call("--json", "due", "list", "--until", "2001-01-01T00:00:00+00:00")
    assert result.stdout == ""
    assert "nothing is due" in result.stderr


def test_all_shards_are_looked_at(call, store):
    """As many as the services have."""
    persister = StateMachinePersister(store, DOOR, PersistenceConfig(due_shards=4))
    for number in range(8):
        persister.start("g", f"s{number}", {})
        persister.schedule("g", f"s{number}", "open", after=timedelta(0))
    assert call("due", "run", "--once", "--shards", "4").output == "9 moves made\n"


def test_what_is_due_is_shown_with_the_state(store, tmp_path):
    """Beside what it is."""
    url = f"sqlite:///{tmp_path / 'due.db'}"
    shown = CliRunner().invoke(main, ["--store", url, "show", "h", "bell"]).output
    assert "ring at" in shown
