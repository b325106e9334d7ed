"""``stats``."""


def test_stats_count_a_governor(objects):
    """One object, with the states by status."""
    assert objects("stats", "house") == [
        {
            "governor_id": "house",
            "states": 3,
            "deleted": 1,
            "events": 8,
            "versions": 8,
            "highest_version": 3,
            "by_status": {"made": 1, "open": 1, "shut": 1},
            "damaged": [],
        }
    ]


def test_stats_count_every_governor(objects):
    """A line each."""
    assert [found["events"] for found in objects("stats")] == [1, 8]
