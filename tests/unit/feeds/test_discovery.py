"""Where a look begins, what it finds, and where a subscription begins with a state."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tai_state.documents import Document, DocumentPath
from tai_state.feeds import SubscriptionConfig
from tai_state.layout import state_layout
from tai_state.rules.feeds.discovery import EARLIEST, Found, Looks, found_in, is_in_shard
from tai_state.rules.feeds.first_sight import last_before
from tai_state.rules.feeds.positions import ShardPosition, shard_of
from tai_state.rules.records.feeding import Discovery

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
EXACT = Looks(is_exact=True, overlap=1.0, sweep_every=300.0, sweep_window=600.0)
STAMPED = Looks(is_exact=False, overlap=1.0, sweep_every=300.0, sweep_window=600.0)


def before(seconds):
    return NOON - timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("looks", "position", "since", "sweeps", "start"),
    [
        # The order of what is found is that of the commits: where the last look ended.
        (EXACT, ShardPosition(epoch=1), None, False, EARLIEST),
        (EXACT, ShardPosition(epoch=1), before(5), False, before(5)),
        (EXACT, ShardPosition(epoch=1, reached=before(2)), before(5), False, before(2)),
        # Stamps come before their commits: a little earlier, and at first by what no commit outlasts.
        (STAMPED, ShardPosition(epoch=1), None, False, EARLIEST),
        (STAMPED, ShardPosition(epoch=1), before(5), False, before(605)),
        (STAMPED, ShardPosition(epoch=1, reached=before(2), swept_at=before(9)), None, False, before(3)),
        (STAMPED, ShardPosition(epoch=1, reached=before(2), swept_at=before(300)), None, True, before(900)),
        # After a day of rest: all of it, and what could be under way when the last sweep began.
        (STAMPED, ShardPosition(epoch=1, reached=before(86_400), swept_at=before(9)), None, True, before(86_401)),
        (STAMPED, ShardPosition(epoch=1, reached=before(2)), None, True, before(600)),
    ],
)
def test_a_look_begins_where_none_is_passed_over(looks, position, since, sweeps, start):
    """Also where commits land behind later ones."""
    assert looks.start(position, since, sweeps=sweeps, now=NOON) == start


@pytest.mark.parametrize(
    ("looks", "position", "is_due"),
    [
        (EXACT, ShardPosition(epoch=1, reached=NOON), False),
        (STAMPED, ShardPosition(epoch=1), False),
        (STAMPED, ShardPosition(epoch=1, reached=NOON), True),
        (STAMPED, ShardPosition(epoch=1, reached=NOON, swept_at=before(299)), False),
        (STAMPED, ShardPosition(epoch=1, reached=NOON, swept_at=before(300)), True),
    ],
)
def test_a_sweep_is_due_now_and_then(looks, position, is_due):
    """Where commits can land late; the first look is one by itself."""
    assert looks.is_sweep_due(position, NOON) is is_due


@given(
    late=st.floats(0, 270),
    age=st.floats(0, 5_000),
    rest=st.floats(0, 100_000),
)
def test_no_commit_is_missed_that_lands_within_the_bound(late, age, rest):
    """Stamped before the last sweep began, and landed behind it: the next sweep finds it."""
    swept_at = before(rest)
    stamped = swept_at + timedelta(seconds=270 - late) - timedelta(seconds=age % 270)
    if stamped + timedelta(seconds=270) <= swept_at:
        return  # it had landed
    position = ShardPosition(epoch=1, reached=max(stamped, swept_at), swept_at=swept_at)
    assert STAMPED.start(position, None, sweeps=True, now=NOON) <= stamped


def test_what_is_found_is_a_state_of_ours():
    """Its head's version; anything else is passed over."""
    path = state_layout("a/b", "s").state
    found = found_in(Document(path, {"version": 3}, NOON, NOON), NOON)
    assert found == Found(state_layout("a/b", "s"), "a%2Fb/s", 3, NOON)
    for fields in ({}, {"version": 0}, {"version": True}, {"version": "3"}):
        assert found_in(Document(path, fields, NOON, NOON), NOON) is None
    assert found_in(Document(DocumentPath("others/x/states", "s"), {"version": 3}, NOON, NOON), NOON) is None


def test_a_state_is_found_in_its_shard_alone():
    """So that two workers never have the same."""
    found = Found(state_layout("g", "s"), "g/s", 1, NOON)
    assert [is_in_shard(found, number, 4) for number in range(4)].count(True) == 1
    assert is_in_shard(found, shard_of("g/s", 4), 4)
    assert is_in_shard(found, 0, 1)


def test_one_governor_is_asked_for_alone():
    """The engine sends nothing of the others."""
    (one,) = Discovery().queries(NOON, "a/b")
    assert one.collection == "governors/a%2Fb/states"
    (everywhere,) = Discovery().queries(NOON)
    assert (everywhere.collection, everywhere.is_group) == ("states", True)


def search(times, since):
    """Run a search over events of these times, and return its verdict and the versions that it looked at."""
    looked: list[int] = []
    steps = last_before(since, len(times))
    try:
        version = next(steps)
        while True:
            looked.append(version)
            version = steps.send(times[version - 1])
    except StopIteration as found:
        return found.value, looked


@given(st.lists(st.integers(0, 50), max_size=60), st.integers(-1, 51), st.integers(0, 60))
def test_a_search_finds_the_last_version_before_a_time(seconds, second, trimmed):
    """Of any history, also one whose beginning was trimmed."""
    times = [NOON + timedelta(seconds=one) for one in sorted(seconds)]
    since = NOON + timedelta(seconds=second)
    expected = sum(time <= since for time in times)
    assert search(times, since)[0] == expected
    trimmed = min(trimmed, expected)
    assert search([None] * trimmed + times[trimmed:], since)[0] == expected


def test_a_search_of_a_long_history_looks_at_few_events():
    """Fewest where little has changed since."""
    times = [NOON + timedelta(seconds=one) for one in range(10_000)]
    assert search(times, times[-1]) == (10_000, [10_000])
    assert len(search(times, times[-4])[1]) <= 5
    assert len(search(times, EARLIEST)[1]) <= 16


@pytest.mark.parametrize(("poll", "overlap"), [(0.05, 1.0), (1.0, 1.0), (5.0, 5.0)])
def test_looks_are_as_the_configuration_says(poll, overlap):
    """Each begins before the last one ended: a second, or one poll where that is longer."""
    config = SubscriptionConfig(poll=poll, sweep_every=7.0, sweep_window=9.0)
    looks = Looks(is_exact=False, overlap=overlap, sweep_every=7.0, sweep_window=9.0)
    assert Looks.of(config, is_exact=False) == looks
