"""How a store feeds: what its own document says, under which key a state is found, and who has to look first."""

from datetime import UTC, datetime, timedelta

import pytest

from tai_state.documents import UPDATE_TIME, FieldEquals, FieldRange, Query
from tai_state.errors import ConfigurationError
from tai_state.layout import state_layout
from tai_state.rules.records.feeding import (
    FEED,
    SETTLING,
    SHARDS_MAX,
    TRUST,
    Discovery,
    Feed,
    FeedKnowledge,
    checked_shards,
    feed_key,
    feed_keys,
    feed_of,
    stamp_of,
)
from tai_state.rules.records.fields import FieldError

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
NEW = Feed(3, NOON)
SCANNED = Feed(3, NOON, is_scanned=True)
COMPLETE = Feed(3, NOON, is_scanned=True, is_complete=True)


@pytest.mark.parametrize(
    ("feed", "now", "needs"),
    [
        (NEW, NOON, True),
        (SCANNED, NOON, False),
        (SCANNED, NOON + SETTLING - MOMENT, False),
        (SCANNED, NOON + SETTLING, True),
        (SCANNED, NOON + 2 * SETTLING, True),
        (COMPLETE, NOON + 2 * SETTLING, False),
    ],
)
def test_a_store_is_scanned_when_it_is_switched_on_and_once_all_know(feed, now, needs):
    """Then never again."""
    assert feed.needs_scan(now) is needs


@pytest.mark.parametrize(("behind", "is_complete"), [(-MOMENT, False), (timedelta(0), True), (MOMENT, True)])
def test_only_a_scan_that_began_late_enough_is_the_last(behind, is_complete):
    """One that began earlier may have missed what those who did not know created."""
    began = NOON + SETTLING + behind
    assert NEW.scanned(began) == Feed(3, NOON, is_scanned=True, is_complete=is_complete)


@pytest.mark.parametrize("feed", [NEW, SCANNED, COMPLETE, Feed(1, NOON), Feed(SHARDS_MAX, NOON)])
def test_what_a_store_says_of_its_feed_is_read_again(feed):
    """As it was written."""
    assert feed_of({"store_id": "x", FEED: feed.fields()}) == feed


def test_a_store_that_says_nothing_does_not_feed():
    """Whatever else it says."""
    assert feed_of({"store_id": "x", FEED: None}) is None
    assert feed_of({}) is None


@pytest.mark.parametrize("shards", [0, -1, SHARDS_MAX + 1, True, "3"])
def test_what_is_no_number_of_keys_is_damage(shards):
    """Nobody looks among so many."""
    with pytest.raises(FieldError):
        feed_of({FEED: {**NEW.fields(), "shards": shards}})


def test_there_are_as_many_keys_as_can_be_asked_for():
    """One more is refused."""
    assert checked_shards(1) == 1
    assert checked_shards(SHARDS_MAX) == SHARDS_MAX
    for wrong in (0, SHARDS_MAX + 1):
        with pytest.raises(ConfigurationError, match="feed_shards"):
            checked_shards(wrong)


def test_states_are_spread_among_all_keys():
    """And each is among those that are asked for."""
    paths = [state_layout("g", f"s{number}").state for number in range(200)]
    assert {feed_key("id", path, 5) for path in paths} == set(feed_keys("id", 5))
    assert {feed_key("id", path, 1) for path in paths} == {"id:0"}
    # Kept in documents: the same in every process, and in every release.
    assert feed_key("id", state_layout("g", "s1").state, 64) == "id:56"


def test_states_alone_are_stamped():
    """Those that have a key."""
    paths = state_layout("g", "s")
    assert stamp_of(paths.state, {"feed_key": "id:0"}) == "changed_at"
    assert stamp_of(paths.state, {}) is None
    assert stamp_of(paths.event(1), {"feed_key": "id:0"}) is None


def test_an_engine_that_finds_by_the_time_of_a_change_is_asked_for_what_is_wanted_alone():
    """The states of one governor, or those of all."""
    within = FieldRange(UPDATE_TIME, at_least=NOON)
    assert list(Discovery().queries(NOON, "g")) == [Query(collection="governors/g/states", within=within)]
    assert list(Discovery().queries(NOON)) == [Query(collection="states", within=within, is_group=True)]


def test_another_engine_is_asked_once_for_each_key():
    """In the order of the stamps."""
    within = FieldRange("changed_at", at_least=NOON)
    assert list(Discovery(("id:0", "id:1")).queries(NOON, "g")) == [
        Query(collection="states", equal=(FieldEquals("feed_key", key),), within=within, is_group=True)
        for key in ("id:0", "id:1")
    ]


def test_who_creates_a_state_looks_unless_he_did_lately():
    """Until the store feeds: that is for good."""
    knowledge = FeedKnowledge(0, is_asked=True)
    seconds = TRUST.total_seconds()
    assert knowledge.is_unsure(1_000.0)
    knowledge.hear(None, 1_000.0)
    assert not knowledge.is_unsure(1_000.0 + seconds)
    assert knowledge.is_unsure(1_000.5 + seconds)
    knowledge.hear(NEW, 2_000.0)
    assert knowledge.shards == 3
    assert not knowledge.is_unsure(9_000.0)


def test_an_engine_that_feeds_by_itself_is_never_looked_at():
    """Nor switched on."""
    knowledge = FeedKnowledge(4, is_asked=False)
    assert knowledge.wanted == 0
    assert knowledge.discovery == Discovery()
    assert not knowledge.is_unsure(1_000.0)
