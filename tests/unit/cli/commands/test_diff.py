"""``diff``."""

import json

import pytest
from click.testing import CliRunner

from tai_state import ChangeMetadata, SqliteStore
from tai_state.cli import main

FIRST = {"items": [{"id": 1, "price": 3}, {"id": 2}], "note": "a\x1b[31m", "raw": b"\xff"}
SECOND = {"items": [{"id": 1, "price": 4}], "raw": b"\xff", "vip": True}


@pytest.fixture
def diff(tmp_path):
    """Run the command on a state of three versions, and expect its exit code."""
    url = f"sqlite:///{tmp_path / 'store.db'}"
    with SqliteStore(tmp_path / "store.db", actor="ann") as store:
        store.save_state("shop", "order", FIRST, status="new")
        store.save_state("shop", "order", SECOND, ChangeMetadata(changed_by="bob", reason="re-priced"), status="paid")
        store.delete_state("shop", "order")

    def run(*arguments, code=0):
        result = CliRunner().invoke(main, ["--store", url, "diff", *arguments])
        assert result.exit_code == code, result.output
        return result

    return run


def test_a_difference_is_read_path_by_path(diff):
    """Who made both versions, when and why, and a row for each thing that differs."""
    first, second, _, *rows = diff("shop", "order", "1", "2").stdout.splitlines()
    assert first.startswith("version 1, 2")
    assert first.endswith("by ann")
    assert second.endswith("by bob: re-priced")
    assert [row.split() for row in rows] == [
        ["changed", "data.items[0].price", "3", "4"],
        ["removed", "data.items[1]", '{"id":', "2}"],
        ["removed", "data.note", '"a\\u001b[31m"'],
        ["added", "data.vip", "true"],
        ["changed", "status", '"new"', '"paid"'],
    ]


def test_a_program_reads_one_object(diff):
    """With the facts in an order in which they can be applied."""
    found = json.loads(diff("shop", "order", "2", "1", "--json").stdout)
    assert (found["from"]["version"], found["from"]["reason"], found["to"]["version"]) == (2, "re-priced", 1)
    assert found["differences"][1] == {"kind": "added", "path": ["data", "items", 1], "new": {"id": 2}}
    assert [one["path"][-1] for one in found["differences"]] == ["price", 1, "note", "vip", "status"]


def test_a_deletion_is_a_difference(diff):
    """Its version is one like any other."""
    found = json.loads(diff("shop", "order", "2", "3", "--json").stdout)
    assert {"kind": "changed", "path": ["deleted"], "old": False, "new": True} in found["differences"]


def test_a_version_does_not_differ_from_itself(diff):
    """That is said."""
    assert "no difference" in diff("shop", "order", "2", "2").stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("shop", "order", "1", "9"), "version_not_found"), (("shop", "never", "1", "2"), "state_not_found")],
)
def test_what_never_was_is_not_found(diff, arguments, code):
    """A wrong id or version: exit code 1, and one object."""
    assert json.loads(diff(*arguments, "--json", code=1).stderr)["error"] == code
