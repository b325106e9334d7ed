"""Mutual exclusion on SQLite, for seconds: sixteen workers in four processes, frozen and killed at random."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.locking import exclusion
from tests.integration.locking.exclusion import Record, Version

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def version(seconds: float, token: int, holder: str | None = "a") -> Version:
    return Version(at(seconds), token, holder, timedelta(seconds=1))


def record(versions=(), trusts=None, writes=()) -> Record:
    return Record(list(versions), trusts or {}, list(writes), 0, 0, 0.0)


SOUND = [version(0, 1), version(0.9, 1), version(1.0, 1, None), version(1.1, 2), version(2.2, 3)]


def test_the_judge_finds_nothing_in_a_sound_run():
    """A lease that was released or has run out may be followed at once."""
    writes = [(1, at(0.5)), (2, at(1.2)), (2, at(2.1)), (3, at(2.2))]
    assert exclusion.problems(record(SOUND, {1: (0.0, 0.9), 2: (1.1, 2.0)}, writes)) == []


def test_the_judge_lets_a_killed_holder_be_followed_at_once():
    """Where its process is seen to be dead; anybody else's lease holds."""
    versions = [Version(at(0), 1, "a", timedelta(seconds=1), 7), version(0.5, 2)]
    killed = Record(versions, {1: (0.0, 0.9), 2: (0.5, 1.4)}, [], 0, 1, 0.0, frozenset({7}))
    assert exclusion.problems(killed) == []
    assert len(exclusion.problems(Record(versions, killed.trusts, [], 0, 1, 0.0, frozenset({8})))) == 2


@pytest.mark.parametrize(
    "broken",
    [
        record([*SOUND, version(5, 2)]),
        record([version(0, 1), version(0.9, 1), version(1.5, 2)]),
        record(SOUND, {1: (0.0, 1.2), 2: (1.1, 2.0)}),
        record(SOUND, writes=[(2, at(1.2)), (1, at(1.3))]),
        record(SOUND, writes=[(1, at(1.1))]),
    ],
    ids=["a token fell", "two grants at once", "two trusted it", "writes fell", "a write behind a grant"],
)
def test_the_judge_finds_what_is_broken(broken):
    """Each way by itself."""
    assert len(exclusion.problems(broken)) == 1


@pytest.mark.timeout(240)
def test_no_two_of_sixteen_workers_hold_the_lock_at_once(tmp_path, scale):
    """By the store's clock, with client clocks that are minutes wrong; no stale write lands."""
    url = f"sqlite:///{tmp_path / 'store.db'}"
    least, freezes = scale((10, 1), (50, 3))
    found = exclusion.run(
        url,
        tmp_path,
        guarded=True,
        seconds=scale(2.0, 12.0),
        grants=least,
        freezes=freezes,
        seconds_max=150.0,
        seed="short",
    )
    assert exclusion.problems(found) == []
    assert found.grants >= least
    assert len(found.writes) >= least
    assert found.freezes >= freezes


@pytest.mark.more
@pytest.mark.timeout(240)
def test_no_two_of_sixteen_workers_hold_the_lock_in_redis(redis_url, tmp_path):
    """By the server's clock; all versions of the lease are read back from the server's own log."""
    found = exclusion.run(
        redis_url, tmp_path, guarded=True, seconds=12.0, grants=50, freezes=3, seconds_max=150.0, seed="redis"
    )
    assert exclusion.problems(found) == []
    assert found.grants >= 50
    assert len({version.token for version in found.versions}) == found.versions[-1].token >= 50
    assert len(found.writes) >= 50
    assert found.freezes >= 3


@pytest.mark.timeout(240)
def test_without_the_guard_a_stale_write_lands(tmp_path):
    """The same run with unguarded writes fails, so the one above could."""
    found = Record([], {}, [], 0, 0, 0.0)
    for attempt in range(4):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        url = f"sqlite:///{folder / 'store.db'}"
        found = exclusion.run(
            url, folder, guarded=False, seconds=8.0, seed=f"unguarded-{attempt}", until=exclusion.stale_writes
        )
        if exclusion.stale_writes(found):
            break
    assert exclusion.stale_writes(found) != []
