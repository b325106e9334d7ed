"""What a Redis server says of itself, what its indexes hold, and what the processes have of their own."""

from contextlib import closing
from datetime import UTC, datetime

import pytest

from tai_state import AsyncRedisStore, RedisStore
from tai_state._sync.backends.redis import RedisBackend
from tai_state.documents import UPDATE_TIME, Delete, DocumentPath, FieldContains, FieldEquals, FieldRange, Put, Query
from tests.forking import IGNORED, in_child
from tests.redis_servers import opened

pytestmark = pytest.mark.more

AT = DocumentPath("governors/g/states", "s")
TIMEOUT = 30.0
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
SINCE_EVER = FieldRange("due_at", LONG_AGO)


def put(backend, n=1):
    return backend.commit([Put(AT, {"n": n})], timeout=TIMEOUT)


# What outlives the server


@pytest.mark.parametrize(
    ("settings", "told", "statuses"),
    [
        ({"appendonly": "yes", "appendfsync": "always"}, "outlives the server and its machine", ["ok", "ok"]),
        ({"appendonly": "yes", "appendfsync": "everysec"}, "may take the last second", ["warning", "ok"]),
        ({"appendonly": "yes", "appendfsync": "no"}, "since its last flush", ["warning", "ok"]),
        ({"appendonly": "no"}, "nothing outlives the server", ["problem", "ok"]),
        ({"appendonly": "no", "save": "3600 1"}, "since its last snapshot", ["problem", "ok"]),
        ({"appendonly": "no", "maxmemory-policy": "allkeys-lru"}, "drops documents", ["problem", "problem"]),
        ({"appendonly": "no", "maxmemory-policy": "volatile-ttl"}, "spares the store", ["problem", "warning"]),
    ],
    ids=str,
)
def test_health_tells_what_outlives_the_server(own_redis, settings, told, statuses):
    """And the doctor calls by name what is to be mended."""
    for name, value in settings.items():
        assert own_redis.ask("CONFIG", "SET", name, value) == "OK"
    with RedisStore(own_redis.url("r")) as store:
        health = store.health()
        assert (health.ok, health.backend) == (True, "Redis")
        assert told in health.message
        found = store.runtime.access.backend.examine(timeout=TIMEOUT)
        assert [one.status for one in found] == statuses
        assert [bool(one.mend) for one in found] == [status != "ok" for status in statuses]


def test_what_may_not_be_asked_is_unknown(own_redis):
    """A user without CONFIG is told that it is unknown, and the store works."""
    rules = ["on", ">pw", "~{r}:*", "+@read", "+@write", "+@scripting", "+@connection", "+time"]
    assert own_redis.ask("ACL", "SETUSER", "ann", *rules) == "OK"
    with RedisStore(f"redis://ann:pw@127.0.0.1:{own_redis.port}?root=r") as store:  # pragma: allowlist secret
        store.save_state("g", "s", {})
        assert "unknown" in store.health().message
        found = store.runtime.access.backend.examine(timeout=TIMEOUT)
        assert [one.status for one in found] == ["not checkable", "not checkable"]


async def test_health_tells_it_to_tasks(own_redis):
    """The same sentence in the other colour."""
    async with AsyncRedisStore(own_redis.url("r")) as store:
        assert "nothing outlives the server" in (await store.health()).message


# Processes


@pytest.mark.filterwarnings(IGNORED)
def test_each_side_of_a_fork_has_connections_of_its_own(redis_url):
    """A child's requests go over its own, and its end closes none of its parent's."""
    with closing(RedisBackend(redis_url)) as backend:
        put(backend, 0)
        own = backend._links.ask("CLIENT", "ID", timeout=TIMEOUT)

        def act():
            assert backend._links.ask("CLIENT", "ID", timeout=TIMEOUT) != own
            put(backend, 1)
            assert backend.get(AT, timeout=TIMEOUT).documents[AT].fields == {"n": 1}

        assert in_child(act) == 0
        assert backend._links.ask("CLIENT", "ID", timeout=TIMEOUT) == own
        assert backend.get(AT, timeout=TIMEOUT).documents[AT].fields == {"n": 1}


# What the indexes hold


def test_an_index_holds_what_is_there_now(own_redis):
    """What the server counts by itself is what is found, whatever became of the documents meanwhile."""
    with opened(own_redis) as backend:
        at = [DocumentPath(AT.collection, id_) for id_ in "abcd"]
        due = {"due_key": "k", "due_at": backend.server_time(timeout=TIMEOUT)}
        held = {"status": "open", "labels": ["x", "y"], **due}
        backend.commit([Put(one, held) for one in at], timeout=TIMEOUT)
        backend.commit([Put(at[0], {"status": "shut", "labels": ["y"]}), Delete(at[1])], timeout=TIMEOUT)
        backend.commit([Put(at[2], {"n": 1})], timeout=TIMEOUT)
        asked = [
            Query(collection=AT.collection, equal=(FieldEquals("status", "open"),)),
            Query(collection="states", contains=FieldContains("labels", "x"), is_group=True),
            Query(collection="states", equal=(FieldEquals("due_key", "k"),), within=SINCE_EVER, is_group=True),
            Query(collection="states", within=FieldRange(UPDATE_TIME, LONG_AGO), is_group=True),
        ]
        found = [[one.path.id for one in backend.query(query, timeout=TIMEOUT)] for query in asked]
        assert found == [["d"], ["d"], ["d"], ["d", "a", "c"]]
        assert [backend.count(query, timeout=TIMEOUT) for query in asked] == [1, 1, 1, 3]
