"""Redis at its edges: servers that die, freeze, fill up, forget or lie about the time, and replies that are lost."""

import asyncio
import socket
import threading
import time
from contextlib import closing
from datetime import timedelta

import pytest

from tai_state import (
    AsyncRedisStore,
    CommitAmbiguousError,
    LockManager,
    Machine,
    RedisStore,
    RetryPolicy,
    SchemaVersionError,
    StateMachinePersister,
    StoreError,
    StoreUnavailableError,
    Transition,
    connect,
)
from tai_state._async.backends.redis import AsyncRedisBackend
from tai_state._sync.backends.redis import RedisBackend
from tai_state.backends.redis.expiry import DOCUMENTS_MAX
from tai_state.backends.redis.links import CONNECTIONS_MAX
from tai_state.documents import Delete, DocumentPath, MustExist, MustNotExist, Put, Query
from tests.forking import IGNORED, in_child
from tests.redis_servers import RedisServer
from tests.waits import eventually, patience

pytestmark = pytest.mark.more

AT = DocumentPath("governors/g/states", "s")
TIMEOUT = 30.0
MACHINE = Machine("m", "on", [Transition("go", "on", "on")])


@pytest.fixture
def server(tmp_path):
    """A server of one's own, which may be broken."""
    server = RedisServer(tmp_path, "--appendonly", "no")
    yield server
    server.kill()


@pytest.fixture
def backend(redis_url):
    with closing(RedisBackend(redis_url)) as backend:
        yield backend


def opened(server, root="r"):
    return closing(RedisBackend(server.url(root)))


def put(backend, n=1, *more, timeout=TIMEOUT):
    return backend.commit([Put(AT, {"n": n}), *more], timeout=timeout)


# Requests and replies


class Swallowing:
    """A proxy that passes bytes on until it is told to keep the server's answers to itself."""

    def __init__(self, port):
        self.is_deaf = False
        self.requests = 0
        self._server = ("127.0.0.1", port)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()
        self._sockets = []

    def _accept(self):
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            server = socket.create_connection(self._server)
            self._sockets += [client, server]
            for source, target, is_answer in ((client, server, False), (server, client, True)):
                thread = threading.Thread(target=self._pass_on, args=(source, target, is_answer), daemon=True)
                thread.start()
                self._threads.append(thread)

    def _pass_on(self, source, target, is_answer):
        try:
            while found := source.recv(65_536):
                self.requests += not is_answer
                if not (is_answer and self.is_deaf):
                    target.sendall(found)
        except OSError:
            pass

    def close(self):
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for one in self._sockets:
            one.close() if one.fileno() < 0 else (one.shutdown(socket.SHUT_RDWR), one.close())
        for thread in self._threads:
            thread.join(patience(5))


@pytest.fixture
def proxy(redis_server):
    with closing(Swallowing(redis_server.port)) as proxy:
        yield proxy


def test_a_reply_that_is_lost_is_ambiguous(proxy, redis_server, redis_url):
    """The commit was applied, and nobody was told: no refusal, and no second request by itself."""
    root = redis_url.partition("root=")[2]
    with closing(RedisBackend(f"redis://127.0.0.1:{proxy.port}?root={root}")) as backend:
        put(backend)
        proxy.is_deaf, proxy.requests = True, 0
        with pytest.raises(CommitAmbiguousError):
            put(backend, 2, timeout=0.3)
        assert proxy.requests == 1
        with pytest.raises(StoreUnavailableError):
            backend.get(AT, timeout=0.3)
    with closing(RedisBackend(redis_url)) as other:
        assert other.get(AT, timeout=TIMEOUT).documents[AT].fields == {"n": 2}


async def test_a_reply_that_is_lost_is_ambiguous_to_a_task(proxy, redis_url):
    """As to a thread; and one that is cancelled leaves no answer to the next."""
    root = redis_url.partition("root=")[2]
    backend = AsyncRedisBackend(f"redis://127.0.0.1:{proxy.port}?root={root}")
    await put(backend)
    proxy.is_deaf = True
    with pytest.raises(CommitAmbiguousError):
        await put(backend, 2, timeout=0.3)
    task = asyncio.create_task(put(backend, 3))
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    proxy.is_deaf = False
    read = await backend.get(AT, timeout=TIMEOUT)
    assert read.documents[AT].fields == {"n": 3}
    await backend.close()


def test_a_keyed_move_whose_reply_is_lost_is_made_once(proxy, redis_url):
    """The layers above settle it as on every engine."""
    root = redis_url.partition("root=")[2]
    retry = RetryPolicy(deadline=TIMEOUT)
    with connect(f"redis://127.0.0.1:{proxy.port}?root={root}", actor="a", retry=retry) as store:
        persister = StateMachinePersister(store, MACHINE)
        persister.start("g", "s")
        proxy.is_deaf = True
        heals = threading.Timer(0.5, lambda: setattr(proxy, "is_deaf", False))
        heals.start()
        result = persister.transition("g", "s", "go", idempotency_key="k", timeout=patience(30))
        heals.join()
        assert result.version == 2
        assert [event.version for event in persister.history("g", "s")] == [1, 2]


def test_a_warm_move_is_one_round_trip(redis_server, redis_url):
    """The server counts: one EVALSHA for each move, guarded and keyed ones too, and nothing beside."""
    with connect(redis_url, actor="a") as store:
        persister = StateMachinePersister(store, MACHINE)
        lock = LockManager(store).acquire("r", heartbeat=False)
        persister.start("g", "s")
        persister.transition("g", "s", "go", idempotency_key="before", lock=lock)
        redis_server.ask("CONFIG", "RESETSTAT")
        for n in range(10):
            persister.transition("g", "s", "go", idempotency_key=f"k{n}", lock=lock)
        assert calls(redis_server) == {"evalsha": 10}


def calls(server):
    """Return how often each command was sent by clients, as the server counts; what scripts call counts, too."""
    lines = server.ask("INFO", "commandstats").splitlines()
    found = dict(line.removeprefix("cmdstat_").split(":", 1) for line in lines if line.startswith("cmdstat_"))
    sent = {"evalsha", "eval", "config|get", "ping", "select", "auth", "hello", "script|load", "multi", "exec"}
    return {name: int(told.partition("calls=")[2].partition(",")[0]) for name, told in found.items() if name in sent}


def test_a_server_that_has_forgotten_its_scripts_is_told_them(redis_server, backend):
    """After a restart, a failover or SCRIPT FLUSH, without an error to anybody."""
    put(backend)
    redis_server.ask("SCRIPT", "FLUSH")
    put(backend, 2, Delete(DocumentPath("a", "b")))
    redis_server.ask("SCRIPT", "FLUSH")
    assert backend.get(AT, timeout=TIMEOUT).documents[AT].fields == {"n": 2}


# Servers that do not answer


def test_a_server_that_is_not_there_is_unavailable(server):
    """A commit, too: nothing was sent. It says where, and tries again by itself once it is there."""
    with opened(server) as backend:
        put(backend)
        server.kill()
        # What its death closed is noticed before anything goes into it.
        for _ in range(2):
            with pytest.raises(StoreUnavailableError, match=str(server.port)):
                put(backend, timeout=1.0)
        server.start()
        put(backend)


def test_a_frozen_server_holds_nobody_past_the_deadline(server):
    """The time counts from the call; a commit that was sent may be applied yet."""
    with opened(server) as backend:
        put(backend)
        server.process.send_signal(19)
        began = time.monotonic()
        with pytest.raises(StoreUnavailableError):
            backend.get(AT, timeout=0.3)
        with pytest.raises(StoreUnavailableError):
            put(backend, 2, timeout=0.3)  # a connection is made by the kernel, and never answered: nothing was sent
        assert time.monotonic() - began < patience(3)
        server.process.send_signal(18)
        assert eventually(lambda: server.ask("PING") == "PONG")
        put(backend, 3)


async def test_calls_wait_in_line_for_connections(server):
    """Hundreds at once take few connections; who has waited in vain was not sent."""
    backend = AsyncRedisBackend(server.url("r"))
    writes = [Put(DocumentPath("many", f"{n}"), {"n": n}) for n in range(300)]
    await asyncio.gather(*(backend.commit([one], timeout=TIMEOUT) for one in writes))
    links = list(backend._links._links.values())
    assert [len(link.idle) for link in links] == [CONNECTIONS_MAX]
    assert await backend.count(Query(collection="many"), timeout=TIMEOUT) == 300
    server.process.send_signal(19)
    told = await asyncio.gather(*(backend.commit([one], timeout=0.5) for one in writes[:50]), return_exceptions=True)
    server.process.send_signal(18)
    kinds = [type(one) for one in told]
    assert (kinds.count(CommitAmbiguousError), kinds.count(StoreUnavailableError)) == (CONNECTIONS_MAX, 18)
    await backend.close()


# Servers that refuse


def test_a_full_server_refuses_a_commit_whole(server):
    """Nothing of it is there, the next one is refused as well, and reads go on."""
    with opened(server) as backend:
        put(backend)
        used = int(server.info("used_memory"))
        server.ask("CONFIG", "SET", "maxmemory", str(used))
        at = [DocumentPath("large", f"{n}") for n in range(5)]
        for _ in range(2):
            with pytest.raises(StoreUnavailableError, match="OOM"):
                backend.commit([Put(one, {"text": "x" * 1_000_000}) for one in at], timeout=TIMEOUT)
        assert backend.get_many([*at, AT], timeout=TIMEOUT).documents.keys() == {AT}
        assert list(backend.scan("large", timeout=TIMEOUT)) == []
        server.ask("CONFIG", "SET", "maxmemory", "0")
        put(backend, 2)


def test_a_replica_answers_nothing(server, tmp_path):
    """It may be behind, and so neither reads nor commits are served by it."""
    (tmp_path / "second").mkdir()
    second = RedisServer(tmp_path / "second")
    try:
        with opened(server) as backend, opened(second) as behind:
            put(backend)
            second.ask("REPLICAOF", "127.0.0.1", str(server.port))
            assert eventually(lambda: second.info("master_link_status") == "up")
            for call in (lambda: behind.get(AT, timeout=TIMEOUT), lambda: put(behind, 2)):
                with pytest.raises(StoreUnavailableError, match="READONLY"):
                    call()
            second.ask("REPLICAOF", "NO", "ONE")
            assert behind.get(AT, timeout=TIMEOUT).documents[AT].fields == {"n": 1}
            assert put(behind, 2).commit_time > backend.get(AT, timeout=TIMEOUT).documents[AT].update_time
    finally:
        second.kill()


@pytest.mark.parametrize("user", ["", "ann:"])
def test_who_is_not_let_in_is_told_so_without_a_password(server, user):
    """By an error that no retry mends."""
    server.ask("CONFIG", "SET", "requirepass", "open")
    with closing(RedisBackend(f"redis://{user and user + 's3cret@'}127.0.0.1:{server.port}")) as backend:
        with pytest.raises(StoreError, match="the user and the password stand in the URL") as caught:
            put(backend)
        assert not caught.value.retryable
        assert "s3cret" not in str(caught.value) + repr(caught.value.__cause__)
    with closing(RedisBackend(f"redis://:open@127.0.0.1:{server.port}")) as backend:
        put(backend)


def test_a_store_of_a_newer_format_is_refused(server):
    """By reads and by commits, and is not changed."""
    with opened(server) as backend:
        put(backend)
        server.ask("HSET", "{r}:clock", "format", "2")
        for call in (lambda: backend.get(AT, timeout=TIMEOUT), lambda: put(backend, 2)):
            with pytest.raises(SchemaVersionError):
                call()
        server.ask("HSET", "{r}:clock", "format", "1")
        assert backend.get(AT, timeout=TIMEOUT).documents[AT].fields == {"n": 1}


def test_somebody_elses_key_fails_a_commit_whole(server):
    """Before anything of it is written."""
    server.ask("LPUSH", f"{{r}}:d:{AT}", "x")
    with opened(server) as backend:
        with pytest.raises(StoreError, match="WRONGTYPE"):
            backend.commit([Put(DocumentPath("a", "b"), {}), Put(AT, {})], timeout=TIMEOUT)
        assert list(backend.scan("a", timeout=TIMEOUT)) == []


def test_a_document_that_vanished_is_damage(server):
    """What an index names and nobody has is given as damaged, and hides no neighbour."""
    with opened(server) as backend:
        put(backend, 1, Put(DocumentPath(AT.collection, "t"), {"n": 2}))
        server.ask("DEL", f"{{r}}:d:{AT}")
        lost, kept = backend.scan(AT.collection, timeout=TIMEOUT)
        assert [*lost.fields] == ["tai_damaged"]
        assert kept.fields == {"n": 2}


# The clock


def test_a_wall_clock_that_is_set_back_moves_nothing_back(server):
    """Commits and reads stay in order, and the store's clock goes on as time passes."""
    with opened(server) as backend:
        last = put(backend).commit_time
        # As if the wall clock had been an hour ahead until now.
        ahead = last + timedelta(hours=1)
        server.ask("HSET", "{r}:clock", "last", str(int(ahead.timestamp() * 1_000_000)))
        times = [ahead]
        for n in range(5):
            times.append(put(backend, n).commit_time)
            times.append(backend.server_time(timeout=TIMEOUT))
            time.sleep(0.02)
        assert times == sorted(times)
        assert times[1] < times[3] < times[5]
        assert timedelta(seconds=0.08) <= times[-1] - ahead < timedelta(seconds=patience(5))


def test_a_read_is_before_every_later_commit(server):
    """Even where the wall clock is set back right behind the read, which left nothing in any log."""
    with opened(server) as backend:
        put(backend)
        read = backend.server_time(timeout=TIMEOUT)
        assert int(server.ask("HGET", "{r}:clock", "last")) == int(read.timestamp() * 1_000_000 + 0.5)
        # The wall clock is 10 s behind by what the store knows.
        server.ask("HSET", "{r}:clock", "offset", str(-10_000_000))
        assert put(backend, 2).commit_time > read


def pass_time(server, seconds, root="r"):
    """Let the store's clock be so many seconds ahead."""
    server.ask("HINCRBY", f"{{{root}}}:clock", "offset", str(int(seconds * 1_000_000)))


# What goes away by itself


def pass_turns(backend, monkeypatch, commits=5):
    """Make as many commits as lie between two removals."""
    monkeypatch.setattr("tai_state.backends.expiry.COMMITS_BETWEEN", commits)
    backend._turns._commits_left = min(backend._turns._commits_left, commits)
    for n in range(commits):
        backend.commit([Put(DocumentPath("others", "o"), {"n": n})], timeout=TIMEOUT)


def ids(backend, collection):
    return [found.path.id for found in backend.scan(collection, timeout=TIMEOUT)]


def test_what_has_expired_goes_and_what_lives_stays(server, monkeypatch):
    """By both times, each of the store's clock; with its entries in every index."""
    with opened(server) as backend:
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
        pass_time(server, 11)
        pass_turns(backend, monkeypatch)
        assert ids(backend, AT.collection) == ["again", "beyond", "by-time", "by-ttl", "for-ever"]
        pass_time(server, 50)
        pass_turns(backend, monkeypatch)
        assert ids(backend, AT.collection) == ["again", "beyond", "by-time", "for-ever"]
        pass_time(server, 3_600)
        pass_turns(backend, monkeypatch)
        assert ids(backend, AT.collection) == ["again", "beyond", "for-ever"]
        gone = [DocumentPath(AT.collection, id_) for id_ in ids(backend, AT.collection)]
        backend.commit([Delete(one) for one in [*gone, DocumentPath("others", "o")]], timeout=TIMEOUT)
        # Nothing is left of them but the clock: no index names what is gone.
        assert server.ask("KEYS", "{r}:*") == ["{r}:clock"]


def test_one_removal_is_bounded(server, monkeypatch):
    """What is left goes with one of the next commits."""
    monkeypatch.setattr("tai_state.backends.expiry.COMMITS_BETWEEN_PARTS", 2)
    with opened(server) as backend:
        past = backend.server_time(timeout=TIMEOUT) - timedelta(hours=1)
        count = DOCUMENTS_MAX + 10
        for first in range(0, count, 100):
            some = range(first, min(first + 100, count))
            writes = [Put(DocumentPath("old", f"{n:04}"), {"tai_expires_at": past, "ttl_seconds": 1.0}) for n in some]
            backend.commit(writes, timeout=TIMEOUT)
        pass_time(server, 10)
        pass_turns(backend, monkeypatch)
        assert len(ids(backend, "old")) == 10
        for n in range(2):
            backend.commit([Put(DocumentPath("others", "o"), {"n": -n})], timeout=TIMEOUT)
        assert ids(backend, "old") == []


def test_a_precondition_sees_what_has_expired_until_it_is_gone(server, monkeypatch):
    """As on the other engines: a receipt that is over is read, and then replaced or removed."""
    with opened(server) as backend:
        past = backend.server_time(timeout=TIMEOUT) - timedelta(hours=1)
        backend.commit([Put(AT, {"tai_expires_at": past, "ttl_seconds": 1.0})], timeout=TIMEOUT)
        pass_time(server, 10)
        backend.commit([Put(AT, {"tai_expires_at": past, "ttl_seconds": 1.0}, MustExist())], timeout=TIMEOUT)
        pass_time(server, 10)
        pass_turns(backend, monkeypatch)
        backend.commit([Put(AT, {"n": 1}, MustNotExist())], timeout=TIMEOUT)


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
        assert len(ids(backend, "child")) == 50
