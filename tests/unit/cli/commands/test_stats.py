"""``stats``."""

import json

QUICK = {
    "governor_id": "house",
    "states": 3,
    "deleted": 1,
    "events": 8,
    "versions": 8,
    "highest_version": 3,
    "by_status": {"made": 1, "open": 1, "shut": 1},
    "by_machine": {"": 3, "door": 5},
    "busiest": {"front": 3, "back": 2, "gone": 2, "old": 1},
    "damaged": [],
    "conflicts": 0,
    "conflict_storm": False,
}


def test_stats_count_a_governor(objects):
    """One object: states by status, versions by machine, the busiest states, and the documents with their bytes."""
    (found,) = objects("stats", "house")
    documents = found["documents"]
    assert {name: found[name] for name in QUICK} == QUICK
    counts = {
        "states": 4,
        "events": 8,
        "snapshots": 0,
        "segments": 0,
        "branches": 0,
        "receipts": 0,
        "audit": 0,
        "quarantine": 0,
    }
    assert {kind: one["count"] for kind, one in documents.items()} == counts
    assert found["bytes"] == sum(one["bytes"] for one in documents.values()) > 1000
    assert found["first_change"] == "2020-01-01T00:00:00+00:00"
    # Seven of the eight changes are of today, the other one is years old.
    assert (found["changes_a_month"], found["writes_a_month"]) == (7.0, 7 * 2.02)
    assert "stats" not in found


def test_stats_count_every_governor(objects):
    """A line each."""
    assert [found["events"] for found in objects("stats")] == [1, 8]


def test_quick_stats_read_the_states_alone(run):
    """Without sizes and costs."""
    assert json.loads(run("stats", "house", "--quick", "--json").stdout) == QUICK
    result = run("stats", "--quick")
    assert "documents read" not in result.stderr
    assert "front 3" in result.stdout


def test_stats_are_shown_to_people(run):
    """With what it cost to count on stderr."""
    result = run("stats", "house")
    assert "busiest     front 3, back 2, gone 2, old 1" in result.stdout
    assert "by machine  - 3, door 5" in result.stdout
    assert "7 changes, at the rate" in result.stdout
    assert "12 documents read" in result.stderr
    assert "BYTES" in run("stats").stdout


def test_a_governor_that_never_was_is_not_found(run):
    """With its states alone, too."""
    run("stats", "none", code=1)
    run("stats", "none", "--quick", code=1)
