"""``states``."""

import json

import pytest


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


def test_an_id_that_cannot_be_is_bad_usage(run):
    """An empty id is refused before the store is asked."""
    run("states", "", code=2)
