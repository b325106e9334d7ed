"""A store to read from, and the commands as a user runs them on it."""

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
def odd():
    """An id of which a terminal would obey a part; both a governor and its state have it."""
    return ODD


@pytest.fixture
def run(store_url):
    """Run a command line on the store, and expect its exit code."""

    def run(*arguments, code=0):
        result = CliRunner().invoke(main, ["--store", store_url, *arguments])
        assert result.exit_code == code, result.output
        return result

    return run


@pytest.fixture
def objects(run):
    """Run a command line with --json, and give what it writes to stdout."""

    def objects(*arguments):
        return [json.loads(line) for line in run("--json", *arguments).stdout.splitlines()]

    return objects
