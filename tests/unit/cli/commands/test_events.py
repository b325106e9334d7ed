"""``events``."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from tai_state import ChangeMetadata, SqliteStore, StateMachinePersister
from tai_state.cli import main
from tai_state.documents import Put
from tai_state.layout import state_layout

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def store(tmp_path):
    """A store with an event an hour of two states."""
    with SqliteStore(tmp_path / "store.db", actor="ann") as store:
        persister = StateMachinePersister(store)
        for n, (state, action) in enumerate([("front", "open"), ("back", "open"), ("front", "close")]):
            who = ChangeMetadata(changed_by="bob" if action == "close" else "ann", reason="hot")
            at = BEGIN + timedelta(hours=n)
            persister.log_transition("house", state, action, to_status=action, data={}, timestamp=at, metadata=who)
        yield store


@pytest.fixture
def events(store, tmp_path):
    """Run the command, and expect its exit code."""
    assert store
    url = f"sqlite:///{tmp_path / 'store.db'}"

    def run(*arguments, code=0):
        result = CliRunner().invoke(main, ["--store", url, "events", *arguments])
        assert result.exit_code == code, result.output
        return result

    return run


def places(result):
    return [(event["state_id"], event["version"]) for event in map(json.loads, result.stdout.splitlines())]


def test_events_are_listed_by_their_time(events):
    """A row each, and what it cost on stderr."""
    result = events("house")
    title, *rows = result.stdout.splitlines()
    assert title.split()[:3] == ["TIME", "STATE", "VERSION"]
    assert [row.split()[2:5] for row in rows] == [
        ["front", "1", "open"],
        ["back", "1", "open"],
        ["front", "2", "close"],
    ]
    assert rows[-1].endswith("open -> close  bob  hot")
    assert result.stderr == "3 event documents read\n"


@pytest.mark.parametrize(
    ("options", "found", "cost"),
    [
        (("--since", "2026-03-01T01:00:00Z"), [("back", 1), ("front", 2)], 2),
        (("--until", "2026-03-01T02:00:00+01:00"), [("front", 1), ("back", 1)], 2),
        (("--action", "open"), [("front", 1), ("back", 1)], 3),
        (("--by", "bob"), [("front", 2)], 3),
        (("--limit", "1"), [("front", 1)], 1),
        (("--after", "back@1"), [("front", 2)], 1),
    ],
    ids=lambda one: one[0] if isinstance(one, tuple) else "",
)
def test_events_are_found_by_what_they_are(events, options, found, cost):
    """By time, action and author; what is left out is read, too."""
    result = events("house", *options, "--json")
    assert places(result) == found
    assert f"{cost} event documents read" in result.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--since", "2026-03-01"), "no offset"),
        (("--after", "front"), "no STATE@VERSION"),
        (("--after", "front@x"), "no STATE@VERSION"),
        (("--after", f"front@{'9' * 5_000}"), "no STATE@VERSION"),
        (("--after", "front@7"), "no event 'front@7'"),
    ],
)
def test_what_cannot_be_is_bad_usage(events, options, said):
    """A time without an offset, a place that is none."""
    assert said in events("house", *options, code=2).stderr


def test_an_unknown_governor_is_not_found(events):
    """And where it is known, that nothing is like that is said."""
    assert json.loads(events("none", "--json", code=1).stderr.splitlines()[-1])["error"] == "governor_not_found"
    assert "no event is like that" in events("house", "--by", "eve").stderr


def test_what_is_not_listed_is_said(store, events):
    """Events that a sealed segment alone has."""
    path = state_layout("house", "front").segment(1)
    store.runtime.access.backend.commit([Put(path, {"alone": True})], timeout=10.0)
    assert "in sealed segments alone" in events("house").stderr
