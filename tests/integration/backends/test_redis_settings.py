"""What the settings of a Redis server say of a store, and what the processes that use it have of their own."""

import threading
from contextlib import closing

import pytest

from tai_state import AsyncRedisStore, RedisStore
from tai_state._sync.backends.redis import RedisBackend
from tai_state.documents import DocumentPath, Put
from tests.forking import IGNORED, in_child
from tests.redis_servers import RedisServer

pytestmark = pytest.mark.more

AT = DocumentPath("governors/g/states", "s")
TIMEOUT = 30.0


@pytest.fixture
def server(tmp_path):
    """A server of one's own, which may be told what it likes."""
    server = RedisServer(tmp_path, "--appendonly", "no")
    yield server
    server.kill()


def opened(server):
    return closing(RedisBackend(server.url("r")))


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
def test_health_tells_what_outlives_the_server(server, settings, told, statuses):
    """And the doctor calls by name what is to be mended."""
    for name, value in settings.items():
        assert server.ask("CONFIG", "SET", name, value) == "OK"
    with RedisStore(server.url("r")) as store:
        health = store.health()
        assert (health.ok, health.backend) == (True, "Redis")
        assert told in health.message
        found = store.runtime.access.backend.examine(timeout=TIMEOUT)
        assert [one.status for one in found] == statuses
        assert [bool(one.mend) for one in found] == [status != "ok" for status in statuses]


def test_what_may_not_be_asked_is_unknown(server):
    """A user without CONFIG is told that it is unknown, and the store works."""
    rules = ["on", ">pw", "~{r}:*", "+@read", "+@write", "+@scripting", "+@connection", "+time"]
    assert server.ask("ACL", "SETUSER", "ann", *rules) == "OK"
    with RedisStore(f"redis://ann:pw@127.0.0.1:{server.port}?root=r") as store:  # pragma: allowlist secret
        store.save_state("g", "s", {})
        assert "unknown" in store.health().message
        found = store.runtime.access.backend.examine(timeout=TIMEOUT)
        assert [one.status for one in found] == ["not checkable", "not checkable"]


async def test_health_tells_it_to_tasks(server):
    """The same sentence in the other colour."""
    async with AsyncRedisStore(server.url("r")) as store:
        assert "nothing outlives the server" in (await store.health()).message


# Processes


@pytest.mark.filterwarnings(IGNORED)
def test_each_side_of_a_fork_has_connections_of_its_own(redis_url):
    """A child commits while its parent does, and neither gets the other's answers."""
    with closing(RedisBackend(redis_url)) as backend:
        put(backend, 0)

        def count_up():
            for n in range(50):
                at = DocumentPath("child", f"{n}")
                backend.commit([Put(at, {"n": n})], timeout=TIMEOUT)
                assert backend.get(at, timeout=TIMEOUT).documents[at].fields == {"n": n}

        is_over = threading.Event()
        mixed: list[object] = []

        def commit():
            n = 0
            while not is_over.is_set():
                put(backend, n)
                mixed.extend(one for one in [backend.get(AT, timeout=TIMEOUT).documents[AT].fields] if one != {"n": n})
                n += 1

        thread = threading.Thread(target=commit)
        thread.start()
        assert in_child(count_up) == 0
        is_over.set()
        thread.join()
        assert mixed == []
        assert sum(1 for _ in backend.scan("child", timeout=TIMEOUT)) == 50
