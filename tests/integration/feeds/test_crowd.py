"""Subscriptions of real processes, which are killed and frozen while others write."""

import pytest

from tests.integration.feeds.crowd import Crowd


def crowd(tmp_path, delivery):
    """A run on SQLite."""
    return Crowd(
        url=f"sqlite:///{tmp_path / 'store.db'}",
        folder=tmp_path,
        delivery=delivery,
        events=1_000,
        states=20,
        writers=4,
        subscribers=4,
        seconds_max=600.0,
        seed=delivery,
    )


@pytest.mark.more
@pytest.mark.timeout(660)
def test_each_effect_is_made_once(tmp_path):
    """In the order of each state, though those that make them die in between."""
    run = crowd(tmp_path, "exactly_once")
    run.run()
    versions = run.versions()
    assert sum(versions.values()) == run.events
    assert run.effects() == {state_id: (version, version) for state_id, version in versions.items()}
    assert run.letters() == []


@pytest.mark.more
@pytest.mark.timeout(660)
def test_none_is_missing_and_each_comes_in_its_order(tmp_path):
    """Where events may be told again."""
    run = crowd(tmp_path, "at_least_once")
    run.run()
    versions = run.versions()
    assert sum(versions.values()) == run.events
    assert run.first_times() == {state_id: list(range(1, last + 1)) for state_id, last in versions.items()}
    assert run.letters() == []


@pytest.mark.more
@pytest.mark.timeout(660)
def test_none_is_told_twice(tmp_path):
    """Where events may be lost with those who were told."""
    run = crowd(tmp_path, "at_most_once")
    run.run()
    run.holds_at_most_once()
