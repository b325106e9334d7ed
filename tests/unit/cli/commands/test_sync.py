"""``sync``."""

import json

import pytest
from click.testing import CliRunner

from tai_state import SqliteStore, verify
from tai_state.causality import LastWriteWins
from tai_state.cli import main
from tai_state.documents import Delete
from tai_state.replicas import sync


@pytest.fixture
def places(tmp_path):
    """Two stores of which each has changed a state of two governors, as their URLs."""
    for name in ("a", "b"):
        with SqliteStore(tmp_path / f"{name}.db", actor=name) as store:
            store.save_state("tours", "monday", {name: 1})
            store.save_state("tours", name, {})
            store.save_state(f"of {name}", "s", {})
    return [f"sqlite:///{tmp_path / name}.db" for name in ("a", "b")]


def call(*arguments, code=0):
    """Run the command, and expect its exit code."""
    result = CliRunner().invoke(main, ["sync", *arguments])
    assert result.exit_code == code, result.output
    return result


def test_two_stores_say_the_same_behind_it(places, tmp_path):
    """All governors of either, one line each."""
    text = call(*places).stdout
    assert [line.split() for line in text.splitlines()[1:4]] == [
        ["of", "a", "1", "1", "0", "0", "0", "0"],
        ["of", "b", "1", "0", "1", "0", "0", "0"],
        ["tours", "3", "3", "2", "2", "1", "0"],
    ]
    assert "3 governors synced; 0 conflicts left" in text
    for name in ("a", "b"):
        with SqliteStore(tmp_path / f"{name}.db") as store:
            assert store.get_state("tours", "monday")[0].data == {"a": 1, "b": 1}


def test_a_program_gets_an_object_for_each_governor(places):
    """With its conflicts."""
    (line,) = call(*places, "--governor", "tours", "--resolver", "last-write-wins", "--json").stdout.splitlines()
    told = json.loads(line)
    (conflict,) = told.pop("conflicts")
    assert told == {"governor_id": "tours", "states": 3, "sent": 3, "received": 2, "merged": 2}
    assert (conflict["kind"], conflict["strategy"], conflict["result"]) == ("concurrent", "last_write_wins", "resolved")
    assert conflict["at"].endswith("+00:00")
    assert call(*places, "--json", "--governor", "tours").stdout.count('"merged": 0') == 1


def test_a_store_is_made_of_another_one(places, tmp_path):
    """The second, not the first: a typo is told."""
    call(places[0], f"sqlite:///{tmp_path / 'new.db'}")
    with SqliteStore(tmp_path / "new.db") as store:
        assert list(store.list_governors()) == ["of a", "tours"]
    assert "there is no store" in call(f"sqlite:///{tmp_path / 'typo.db'}", places[0], code=3).stderr


def test_what_somebody_has_to_decide_is_left(places, tmp_path):
    """Exit code 1, and a line that says why."""
    one, other, third, fourth = (SqliteStore(tmp_path / f"{name}.db") for name in "abcd")
    with one, other, third, fourth:
        sync(one, third, "tours", resolver=LastWriteWins())
        sync(other, fourth, "tours", resolver=LastWriteWins())
        sync(third, fourth, "tours", resolver=LastWriteWins())
    call(*places, "--resolver", "merge-fields")
    result = call(places[0], f"sqlite:///{tmp_path / 'c.db'}", "--governor", "tours", code=1)
    assert "left: state 'monday', unequal" in result.stderr
    assert "1 conflict left" in result.stdout


def test_a_store_is_not_synced_with_itself(places):
    """Bad usage, which says what to do."""
    assert "one is a copy of the other" in call(places[0], places[0], code=2).stderr


def test_what_was_lost_beside_the_line_is_brought_again(places, tmp_path):
    """Where that is asked for."""
    call(*places)
    with SqliteStore(tmp_path / "a.db") as store:
        paths = [one.path for one in store.runtime.access.scan("governors/tours/branches")]
        store.runtime.access.backend.commit([Delete(path) for path in paths], timeout=5)
        assert not next(verify(store, "tours")).is_consistent
    call(*places, "--governor", "tours")
    with SqliteStore(tmp_path / "a.db") as store:
        assert not next(verify(store, "tours")).is_consistent
    (line,) = call(*places, "--governor", "tours", "--mend-branches", "--json").stdout.splitlines()
    assert json.loads(line)["received"] == len(paths) == 1
    with SqliteStore(tmp_path / "a.db") as store:
        assert next(verify(store, "tours")).is_consistent
