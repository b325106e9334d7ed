"""The clock of a Redis store, and what goes away by it."""

import time
from datetime import timedelta

import pytest

from tai_state.backends.redis.expiry import DOCUMENTS_MAX
from tai_state.documents import Delete, DocumentPath, MustExist, MustNotExist, Put
from tests.redis_servers import opened
from tests.waits import eventually, patience

pytestmark = pytest.mark.more

AT = DocumentPath("governors/g/states", "s")
TIMEOUT = 30.0


def put(backend, n=1):
    return backend.commit([Put(AT, {"n": n})], timeout=TIMEOUT)


# The clock


def test_a_wall_clock_that_is_set_back_moves_nothing_back(own_redis):
    """Commits and reads stay in order, and the store's clock goes on as time passes."""
    with opened(own_redis) as backend:
        last = put(backend).commit_time
        # As if the wall clock had been an hour ahead until now.
        ahead = last + timedelta(hours=1)
        own_redis.ask("HSET", "{r}:clock", "last", str(int(ahead.timestamp() * 1_000_000)))
        times = [ahead]
        for n in range(5):
            times.append(put(backend, n).commit_time)
            times.append(backend.server_time(timeout=TIMEOUT))
            time.sleep(0.02)
        assert times == sorted(times)
        assert times[1] < times[3] < times[5]
        assert timedelta(seconds=0.08) <= times[-1] - ahead < timedelta(seconds=patience(5))


def test_a_clock_that_was_set_back_goes_on_by_reads_alone(own_redis):
    """Who waits for a time by reading, as for the end of a lease, needs no commit of anybody."""
    with opened(own_redis) as backend:
        ahead = put(backend).commit_time + timedelta(hours=1)
        own_redis.ask("HSET", "{r}:clock", "last", str(int(ahead.timestamp() * 1_000_000)))
        assert backend.server_time(timeout=TIMEOUT) == ahead
        assert eventually(lambda: backend.server_time(timeout=TIMEOUT) > ahead)


def test_a_read_is_before_every_later_commit(own_redis):
    """Even where the wall clock is set back right behind the read, which left nothing in any log."""
    with opened(own_redis) as backend:
        put(backend)
        read = backend.server_time(timeout=TIMEOUT)
        assert int(own_redis.ask("HGET", "{r}:clock", "last")) == int(read.timestamp() * 1_000_000 + 0.5)
        # The wall clock is 10 s behind by what the store knows.
        own_redis.ask("HSET", "{r}:clock", "offset", str(-10_000_000))
        assert put(backend, 2).commit_time > read


def test_reads_leave_nothing_in_the_log(own_redis):
    """What they keep of their time is in the server alone: they wait for no flush, and no log grows by them."""
    own_redis.ask("CONFIG", "SET", "appendonly", "yes")
    with opened(own_redis) as backend:
        put(backend)
        assert eventually(lambda: own_redis.info("aof_rewrite_in_progress") == "0")
        before = own_redis.info("aof_current_size")
        for _ in range(20):
            backend.get(AT, timeout=TIMEOUT)
            list(backend.scan(AT.collection, timeout=TIMEOUT))
        assert own_redis.info("aof_current_size") == before
        put(backend, 2)
        assert int(own_redis.info("aof_current_size")) > int(before)


def pass_time(own_redis, seconds, root="r"):
    """Let the store's clock be so many seconds ahead."""
    own_redis.ask("HINCRBY", f"{{{root}}}:clock", "offset", str(int(seconds * 1_000_000)))


# What goes away by itself


def pass_turns(backend, monkeypatch, commits=5):
    """Make as many commits as lie between two removals."""
    monkeypatch.setattr("tai_state.backends.expiry.COMMITS_BETWEEN", commits)
    backend._turns._commits_left = min(backend._turns._commits_left, commits)
    for n in range(commits):
        backend.commit([Put(DocumentPath("others", "o"), {"n": n})], timeout=TIMEOUT)


def ids(backend, collection):
    return [found.path.id for found in backend.scan(collection, timeout=TIMEOUT)]


def test_what_has_expired_goes_and_what_lives_stays(own_redis, monkeypatch):
    """By both times, each of the store's clock; with its entries in every index."""
    with opened(own_redis) as backend:
        now = backend.server_time(timeout=TIMEOUT)
        past, future = now - timedelta(hours=1), now + timedelta(hours=1)
        lives = {
            "over": {"tai_expires_at": past, "ttl_seconds": 10.0, "status": "x"},
            "by-ttl": {"tai_expires_at": past, "ttl_seconds": 60.0},
            "by-time": {"tai_expires_at": future, "ttl_seconds": 1.0},
            "for-ever": {"tai_expires_at": past},
            "again": {"tai_expires_at": past, "ttl_seconds": 10.0},
            "beyond": {"tai_expires_at": past, "ttl_seconds": 1e13},
        }
        backend.commit(
            [Put(DocumentPath(AT.collection, id_), fields) for id_, fields in lives.items()], timeout=TIMEOUT
        )
        backend.commit([Put(DocumentPath(AT.collection, "again"), {"n": 1})], timeout=TIMEOUT)
        pass_turns(backend, monkeypatch)
        assert len(ids(backend, AT.collection)) == 6
        pass_time(own_redis, 11)
        pass_turns(backend, monkeypatch)
        assert ids(backend, AT.collection) == ["again", "beyond", "by-time", "by-ttl", "for-ever"]
        pass_time(own_redis, 50)
        pass_turns(backend, monkeypatch)
        assert ids(backend, AT.collection) == ["again", "beyond", "by-time", "for-ever"]
        pass_time(own_redis, 3_600)
        pass_turns(backend, monkeypatch)
        assert ids(backend, AT.collection) == ["again", "beyond", "for-ever"]
        gone = [DocumentPath(AT.collection, id_) for id_ in ids(backend, AT.collection)]
        backend.commit([Delete(one) for one in [*gone, DocumentPath("others", "o")]], timeout=TIMEOUT)
        # Nothing is left of them but the clock: no index names what is gone.
        assert own_redis.ask("KEYS", "{r}:*") == ["{r}:clock"]


def test_one_removal_is_bounded(own_redis, monkeypatch):
    """What is left goes with one of the next commits."""
    monkeypatch.setattr("tai_state.backends.expiry.COMMITS_BETWEEN_PARTS", 2)
    with opened(own_redis) as backend:
        past = backend.server_time(timeout=TIMEOUT) - timedelta(hours=1)
        count = DOCUMENTS_MAX + 10
        for first in range(0, count, 100):
            some = range(first, min(first + 100, count))
            writes = [Put(DocumentPath("old", f"{n:04}"), {"tai_expires_at": past, "ttl_seconds": 1.0}) for n in some]
            backend.commit(writes, timeout=TIMEOUT)
        pass_time(own_redis, 10)
        pass_turns(backend, monkeypatch)
        assert len(ids(backend, "old")) == 10
        for n in range(2):
            backend.commit([Put(DocumentPath("others", "o"), {"n": -n})], timeout=TIMEOUT)
        assert ids(backend, "old") == []


def test_a_precondition_sees_what_has_expired_until_it_is_gone(own_redis, monkeypatch):
    """As on the other engines: a receipt that is over is read, and then replaced or removed."""
    with opened(own_redis) as backend:
        past = backend.server_time(timeout=TIMEOUT) - timedelta(hours=1)
        backend.commit([Put(AT, {"tai_expires_at": past, "ttl_seconds": 1.0})], timeout=TIMEOUT)
        pass_time(own_redis, 10)
        backend.commit([Put(AT, {"tai_expires_at": past, "ttl_seconds": 1.0}, MustExist())], timeout=TIMEOUT)
        pass_time(own_redis, 10)
        pass_turns(backend, monkeypatch)
        backend.commit([Put(AT, {"n": 1}, MustNotExist())], timeout=TIMEOUT)
