"""The documents of a subscription: what is read is what was written, and what is none of them is told."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tai_state.documents import Document, DocumentPath, MustNotExist, UpdatedAt
from tai_state.errors import ConfigurationError, InvalidIdError, SchemaVersionError, StoreError
from tai_state.feeds import SubscriptionConfig
from tai_state.layout import state_layout
from tai_state.rules.feeds.letters import failure_of, gap, letter_of, never_came_back
from tai_state.rules.feeds.positions import (
    Letter,
    ShardPosition,
    StatePosition,
    Subscribed,
    SubscriptionLayout,
    event_name,
    key_of,
    read_letter,
    read_position,
    read_shard,
    read_subscribed,
    shard_of,
)

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
PATH = DocumentPath("subscriptions/mail/positions", "x")
KEPT = [
    (Subscribed(epoch=3, name="mail", since=NOON, shards=4, governor_id="g", delivery="exactly_once"), read_subscribed),
    (Subscribed(epoch=1, name="mail", since=None, shards=1, governor_id=None, delivery=""), read_subscribed),
    (ShardPosition(epoch=1), read_shard),
    (ShardPosition(epoch=2, reached=NOON, swept_at=NOON, pending=("g/s", "g/t@4")), read_shard),
    (StatePosition(epoch=1, key="g/s", version=7), read_position),
    (StatePosition(epoch=1, key="g/s", version=0, attempts=3, retry_at=NOON, blocked=True), read_position),
    (Letter(epoch=1, key="g/s", version=2, last=4, code="c", error="e", attempts=5, died_at=NOON), read_letter),
    (
        Letter(
            epoch=1, key="g/s", version=2, last=2, code="c", error="", attempts=0, died_at=NOON, again=True, done=True
        ),
        read_letter,
    ),
]


def stored(kept):
    """The document of what is kept, as an engine gives it back."""
    put = kept.put(PATH, "unique")
    return Document(PATH, dict(put.fields), NOON, NOON)


@pytest.mark.parametrize(("kept", "read"), KEPT)
def test_what_is_read_is_what_was_written(kept, read):
    """Every field of it; the time is that of the document."""
    assert read(stored(kept)) == kept.written(NOON)


@pytest.mark.parametrize(("kept", "read"), KEPT)
def test_a_field_of_another_type_is_told(kept, read):
    """By its name; a newer format is not guessed at."""
    fields = stored(kept).fields
    for name in kept.fields():
        if name in {"since", "governor_id", "reached", "swept_at", "retry_at"}:
            continue
        with pytest.raises(StoreError, match=name):
            read(Document(PATH, {**fields, name: 1.5}, NOON, NOON))
    with pytest.raises(SchemaVersionError):
        read(Document(PATH, {**fields, "format": 99}, NOON, NOON))


def test_no_shards_are_damage():
    """Nothing could be found in none."""
    fields = stored(KEPT[0][0]).fields
    with pytest.raises(StoreError, match="'shards' should be at least 1, it is 0"):
        read_subscribed(Document(PATH, {**fields, "shards": 0}, NOON, NOON))


def test_what_was_never_written_must_not_be_there():
    """And what was, must be as it was read."""
    position = StatePosition(epoch=1, key="g/s", version=1)
    assert position.put(PATH, "c").precondition == MustNotExist()
    assert position.written(NOON).put(PATH, "c").precondition == UpdatedAt(NOON)


def test_a_position_moves():
    """Each step forgets what the one before it was about."""
    position = StatePosition(epoch=1, key="g/s", version=1)
    tried = position.begun().begun()
    assert (tried.version, tried.attempts) == (1, 2)
    waiting = tried.failed(NOON, 2.5)
    assert waiting.retry_at == NOON + timedelta(seconds=2.5)
    assert waiting.begun().retry_at is None
    stopped = waiting.stopped()
    assert (stopped.version, stopped.attempts, stopped.retry_at, stopped.blocked) == (1, 2, None, True)
    assert stopped.again() == position
    assert waiting.passed(2) == StatePosition(epoch=1, key="g/s", version=2)


def test_a_letter_tells_why():
    """The code of our errors, the class of others', and a text of bounded length."""
    position = StatePosition(epoch=2, key="g/s", version=4)
    letter = letter_of(position, 5, failure_of(ValueError("x" * 2_000), 3), NOON, None)
    assert (letter.code, letter.attempts, letter.version, letter.last) == ("ValueError", 3, 5, 5)
    assert len(letter.error) == 1_000
    again = letter_of(position, 5, failure_of(StoreError("no"), 1), NOON, letter.written(NOON))
    assert (again.code, again.error, again.update_time) == ("store", "StoreError: no", NOON)
    assert never_came_back(2).error == "no attempt came back, of 2: the process ended within each, or was stopped"
    missing = letter_of(position, 5, gap(5, 9), NOON, None)
    assert (missing.is_gap, missing.version, missing.last, missing.attempts) == (True, 5, 9, 0)


def test_a_letter_is_delivered_again_once():
    """From its first attempt on; then it is done, or dead again with what it died of."""
    letter = letter_of(StatePosition(epoch=2, key="g/s", version=4), 5, failure_of(ValueError("x"), 3), NOON, None)
    again = letter.once_more()
    assert (again.again, again.done, again.attempts) == (True, False, 0)
    assert again.begun().begun() == replace(again, attempts=2)
    assert again.begun().settled() == replace(again, attempts=1, again=False, done=True)
    dead = again.begun().dead(failure_of(KeyError("y"), 1))
    assert dead == replace(letter, code="KeyError", error="KeyError: 'y'", attempts=1)
    assert letter.settled().once_more() == again


def test_a_configuration_is_what_is_documented():
    """Where nothing is said."""
    config = SubscriptionConfig()
    assert (config.poll, config.shards, config.concurrency, config.lease) == (1.0, 1, 8, 30.0)
    assert (config.wait_initial, config.wait_max, config.max_depth) == (0.2, 60.0, 10)
    assert (config.sweep_every, config.sweep_window) == (300.0, 600.0)


def test_a_sweep_reaches_back_to_the_one_before():
    """Or further; else what lands between two could be missed."""
    assert SubscriptionConfig(sweep_every=300.0, sweep_window=300.0).sweep_window == 300.0
    with pytest.raises(ConfigurationError, match="sweep_window must be at least sweep_every"):
        SubscriptionConfig(sweep_every=300.0, sweep_window=299.0)


@pytest.mark.parametrize(("attempts", "seconds"), [(1, 0.5), (2, 1.0), (3, 2.0), (4, 3.0), (10**6, 3.0)])
def test_a_failed_event_waits_twice_as_long_each_time(attempts, seconds):
    """Up to the most that was agreed."""
    assert SubscriptionConfig(wait_initial=0.5, wait_max=3.0).wait_seconds(attempts) == seconds


def test_states_and_events_have_names():
    """In stored ids, so that none is taken for another's."""
    paths = state_layout("a/b", "ü")
    assert key_of(paths) == "a%2Fb/%C3%BC"
    assert event_name(paths, 7) == "a%2Fb/%C3%BC@7"


def test_states_are_spread_over_the_shards():
    """Each is in one, the same in every process, and every shard has some."""
    keys = [f"g/s{number}" for number in range(100)]
    assert [shard_of(key, 4) for key in keys] == [shard_of(key, 4) for key in keys]
    assert {shard_of(key, 4) for key in keys} == {0, 1, 2, 3}
    assert {shard_of(key, 1) for key in keys} == {0}


def test_the_documents_of_a_subscription_have_places_of_their_own():
    """Whatever it is called."""
    layout = SubscriptionLayout("a/b")
    assert str(layout.own) == "subscriptions/a%2Fb"
    assert str(layout.shard(3)) == "subscriptions/a%2Fb/shards/0003"
    assert layout.position("g/s").collection == "subscriptions/a%2Fb/positions"
    assert layout.letter("g/s", 1) != layout.letter("g/s", 11)
    with pytest.raises(InvalidIdError):
        SubscriptionLayout("")
