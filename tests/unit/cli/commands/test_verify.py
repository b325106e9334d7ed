"""``verify``."""

import json
import sqlite3

import pytest

from tai_state.backends.sqlite.packing import text_of
from tai_state.layout import state_layout


@pytest.fixture
def altered(store_url):
    """One event of the store says something else; put right again behind the test."""
    path = state_layout("house", "front").event(2)
    connection = sqlite3.connect(store_url.removeprefix("sqlite:///"))
    where = (path.collection, path.id)
    ((before,),) = connection.execute("SELECT body FROM documents WHERE collection = ? AND id = ?", where)
    write = "UPDATE documents SET body = ? WHERE collection = ? AND id = ?"
    connection.execute(write, (text_of(before).replace(b'"open"', b'"oven"'), *where))
    connection.commit()
    yield
    connection.execute(write, (before, *where))
    connection.commit()
    connection.close()


def test_a_sound_store_is_told_to_be_sound(run):
    """One line that says what was checked, and exit code 0."""
    assert run("verify").stdout == "5 states and 9 events checked: nothing found\n"


def test_each_governor_is_a_line_of_json(objects, odd):
    """And the locks, under no governor."""
    found = objects("verify")
    assert [(one["governor_id"], one["states"], one["problems"]) for one in found] == [
        (odd, 1, []),
        ("house", 4, []),
        ("", 0, []),
    ]


@pytest.mark.usefixtures("altered")
def test_a_finding_is_a_line_and_the_exit_code(run):
    """What, where, and a sentence."""
    result = run("verify", "house", code=1)
    assert "corrupt_event" in result.stdout
    assert "front" in result.stdout
    assert "1 found" in result.stdout
    assert run("verify", "house", "front", code=1).stdout.count("corrupt_event") == 1
    assert "nothing found" in run("verify", "house", "back").stdout


@pytest.mark.usefixtures("altered")
def test_a_finding_is_an_object_with_stable_names(run):
    """A program reads kind, state, version, path and message."""
    (report,) = [json.loads(line) for line in run("--json", "verify", "house", code=1).stdout.splitlines()]
    (problem,) = report["problems"]
    assert problem.pop("message")
    assert problem == {
        "kind": "corrupt_event",
        "state_id": "front",
        "version": 2,
        "path": "governors/house/events/front@0000000000000000002",
    }


@pytest.mark.parametrize("arguments", [("none",), ("house", "none")])
def test_what_is_not_there_is_not_sound(run, arguments):
    """A governor or a state that never was is not found."""
    assert "none" in run("verify", *arguments, code=1).stderr
