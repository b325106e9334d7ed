"""``recover``."""

import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner

from tai_state import SqliteStore
from tai_state.backends.sqlite import schema
from tai_state.cli import main
from tai_state.layout import state_layout
from tests._sync.distributed.pair import ITEM, Pair, left
from tests._sync.stores import Place

STATE = state_layout("house", "front").state


@pytest.fixture
def copied_url(store_url, tmp_path):
    """A copy of the store, to be damaged."""
    shutil.copy(store_url.removeprefix("sqlite:///"), tmp_path / "copy.db")
    return f"sqlite:///{tmp_path / 'copy.db'}"


@pytest.fixture
def damaged(copied_url):
    """The copy without the document of a state."""
    with sqlite3.connect(copied_url.removeprefix("sqlite:///")) as connection:
        connection.execute("DELETE FROM documents WHERE collection = ? AND id = ?", (STATE.collection, STATE.id))
    connection.close()
    return copied_url


@pytest.fixture
def recover():
    """Run a command on a store, and expect its exit code."""

    def run(url, *arguments, code=0, answer=None):
        result = CliRunner().invoke(main, ["--store", url, "--actor", "ann", *arguments], input=answer)
        assert result.exit_code == code, result.output
        return result

    return run


def test_a_sound_store_has_nothing_to_repair(copied_url, recover):
    """One line says so."""
    assert recover(copied_url, "recover", "--yes").stdout == "5 states checked: 0 repaired, 0 left\n"


def test_a_dry_run_shows_the_plan_and_writes_nothing(damaged, recover):
    """Its exit code says that something would be done."""
    result = recover(damaged, "recover", "house", "--dry-run", code=1)
    assert "state_missing" in result.stdout
    assert "to do" in result.stdout
    assert "1 would be repaired, 0 left" in result.stdout
    recover(damaged, "verify", code=1)


def test_what_is_repaired_is_sound(damaged, recover):
    """And a second run finds nothing."""
    result = recover(damaged, "recover", "house", "--yes")
    assert "state_missing" in result.stdout
    assert "1 repaired, 0 left" in result.stdout
    recover(damaged, "verify")
    assert "0 repaired" in recover(damaged, "recover", "--yes").stdout


def test_a_program_reads_a_line_for_each_governor(damaged, recover):
    """With the repairs, each with its record, and with what is left."""
    result = recover(damaged, "--json", "recover", "house", "--yes")
    (report,) = [json.loads(line) for line in result.stdout.splitlines()]
    (repair,) = report.pop("repaired")
    assert report == {"governor_id": "house", "checked": 4, "unresolved": [], "is_dry_run": False}
    assert repair["audit_id"]
    assert repair["path"] == "governors/house/states/front"


def test_without_a_terminal_it_does_not_ask(damaged, recover):
    """It is told to say --yes, or --dry-run; nothing is written."""
    assert "--yes" in recover(damaged, "recover", code=2).stderr
    recover(damaged, "verify", code=1)


def test_what_nothing_determines_is_left_and_said(damaged, recover):
    """The exit code is 1."""
    with sqlite3.connect(damaged.removeprefix("sqlite:///")) as connection:
        event = state_layout("house", "back").event(1)
        connection.execute("DELETE FROM documents WHERE collection = ? AND id = ?", (event.collection, event.id))
    connection.close()
    result = recover(damaged, "recover", "--yes", code=1)
    assert "missing_event" in result.stdout
    assert "1 repaired, 1 left" in result.stdout


def test_no_store_is_made_where_there_is_none(tmp_path, recover):
    """A wrong path is told, and nothing is there behind it."""
    result = recover(f"sqlite:///{tmp_path / 'none.db'}", "recover", "--yes", code=3)
    assert "none.db" in result.stderr
    assert not (tmp_path / "none.db").exists()


def test_an_unknown_governor_is_not_found(copied_url, recover):
    """It never had a state."""
    assert "none" in recover(copied_url, "recover", "none", "--yes", code=1).stderr


def test_a_governor_of_which_only_a_receipt_is_left_is_recovered(tmp_path, recover):
    """It is repaired, and said; behind that there is nothing of it."""
    with SqliteStore(tmp_path / "left.db", actor="ann") as store:
        store.save_state("house", "front", {}, idempotency_key="k")
    paths = state_layout("house", "front")
    with sqlite3.connect(tmp_path / "left.db") as connection:
        gone = (paths.governor.states, paths.governor.events)
        connection.execute("DELETE FROM documents WHERE collection IN (?, ?)", gone)
    connection.close()
    url = f"sqlite:///{tmp_path / 'left.db'}"
    result = recover(url, "recover", "house", "--yes")
    assert "orphaned_receipt" in result.stdout
    assert "0 states checked: 1 repaired, 0 left" in result.stdout
    assert "never had any" in recover(url, "recover", "house", "--yes", code=1).stderr


def test_a_dry_run_makes_nothing_in_a_file_of_an_earlier_release(damaged, recover):
    """It is not lifted: it is opened to read, and once."""
    path = damaged.removeprefix("sqlite:///")
    with sqlite3.connect(path) as connection:
        connection.execute("ALTER TABLE documents RENAME COLUMN body TO fields")
        connection.execute("ALTER TABLE documents DROP COLUMN sought")
        connection.execute("PRAGMA user_version = 1")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    before = Path(path).read_bytes()
    assert "1 would be repaired, 0 left" in recover(damaged, "recover", "--dry-run", code=1).stdout
    assert Path(path).read_bytes() == before
    assert "1 repaired, 0 left" in recover(damaged, "recover", "--yes").stdout
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchall() == [(schema.FORMAT,)]
    connection.close()


@pytest.mark.parametrize("is_named", [True, False])
def test_what_a_transaction_over_several_stores_left_is_settled(recover, tmp_path, is_named):
    """By the store that decides: named, or found by its URL; a dry run tells it, and leaves it."""
    pair = Pair(Place("sqlite", path=tmp_path / "orders.db"), Place("sqlite", path=tmp_path / "stock.db"), "")
    pair.opened()[1].save_state(*ITEM, {"n": 5})
    left(pair, behind=True)
    url = f"sqlite:///{tmp_path / 'stock.db'}"
    named = ("--coordinator", f"sqlite:///{tmp_path / 'orders.db'}") if is_named else ()
    assert "in_doubt_transaction" in recover(url, "recover", "--dry-run", *named, code=1).stdout
    assert "settled as decided: commit" in recover(url, "recover", "--yes", *named).stdout
    assert recover(url, "recover", "--yes", *named).stdout.endswith("0 repaired, 0 left\n")
    assert pair.opened()[1].get_state(*ITEM)[0].data == {"n": 4}
