"""Subscriptions at length: twenty thousand events, and subscribers that are killed and frozen all the time."""

import os

import pytest

from tests.integration.feeds.crowd import Crowd

SEED = os.environ.get("TORTURE_SEED", "feeds")
EVENTS = int(os.environ.get("TORTURE_EVENTS", "20000"))
SECONDS_MAX = 1_800.0


@pytest.mark.torture
@pytest.mark.timeout(SECONDS_MAX + 60)
@pytest.mark.parametrize("delivery", ["exactly_once", "at_least_once", "at_most_once"])
def test_sqlite_tells_as_was_agreed(tmp_path, delivery):
    """Each effect once; or none missing, and the order of each state kept; or none twice."""
    hold(crowd(f"sqlite:///{tmp_path / 'store.db'}", tmp_path, delivery))


@pytest.mark.torture
@pytest.mark.emulator
@pytest.mark.timeout(SECONDS_MAX + 60)
@pytest.mark.parametrize("delivery", ["exactly_once", "at_least_once", "at_most_once"])
def test_the_emulator_tells_as_was_agreed(tai_state_project, tmp_path, delivery):
    """The same by stamps, which are not the order of the commits.

    A subscriber takes as long to start as ten of its events, so that it is killed less often.
    """
    hold(crowd(f"firestore://{tai_state_project}", tmp_path, delivery, rest=3.0))


def crowd(url, folder, delivery, **options):
    """A run as long as is asked for."""
    return Crowd(
        url=url,
        folder=folder,
        delivery=delivery,
        events=EVENTS,
        states=50,
        writers=4,
        subscribers=4,
        seconds_max=SECONDS_MAX,
        seed=f"{SEED}-{delivery}",
        **options,
    )


def hold(run):
    """Run it, and see that what was agreed holds."""
    delivery = run.delivery
    run.run()
    versions = run.versions()
    assert sum(versions.values()) == EVENTS
    # Of a run that is short enough to be tried by hand less is asked.
    assert run.kills >= min(20, EVENTS // 500)
    assert run.freezes >= min(5, EVENTS // 2_000)
    if delivery == "at_most_once":
        run.holds_at_most_once()
        return
    assert run.letters() == []
    if delivery == "exactly_once":
        assert run.effects() == {state_id: (version, version) for state_id, version in versions.items()}
    else:
        assert run.first_times() == {state_id: list(range(1, last + 1)) for state_id, last in versions.items()}
