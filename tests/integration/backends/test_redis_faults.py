"""Redis at its edges: servers that die, freeze, fill up, forget or lie about the time, and replies that are lost."""

import asyncio
import socket
import threading
import time
from contextlib import closing

import pytest

from tai_state import (
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
from tai_state.backends.redis.links import CONNECTIONS_MAX
from tai_state.documents import Delete, DocumentPath, FieldEquals, Put, Query, UpdatedAt
from tests.redis_servers import RedisServer, opened
from tests.waits import eventually, patience

pytestmark = pytest.mark.more

AT = DocumentPath("governors/g/states", "s")
TIMEOUT = 30.0
ON = Query(collection=AT.collection, equal=(FieldEquals("status", "on"),))
MACHINE = Machine("m", "on", [Transition("go", "on", "on")])


@pytest.fixture
def backend(redis_url):
    with closing(RedisBackend(redis_url)) as backend:
        yield backend


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


def test_a_server_that_is_not_there_is_unavailable(own_redis):
    """A commit, too: nothing was sent. It says where, and tries again by itself once it is there."""
    with opened(own_redis) as backend:
        put(backend)
        own_redis.kill()
        # What its death closed is noticed before anything goes into it.
        for _ in range(2):
            with pytest.raises(StoreUnavailableError, match=str(own_redis.port)) as caught:
                put(backend, timeout=5.0)
            assert type(caught.value) is StoreUnavailableError
        own_redis.start()
        put(backend)


def test_a_frozen_server_holds_nobody_past_the_deadline(own_redis):
    """The time counts from the call; a commit that was sent may be applied yet."""
    with opened(own_redis) as backend:
        put(backend)
        own_redis.process.send_signal(19)
        began = time.monotonic()
        with pytest.raises(StoreUnavailableError):
            backend.get(AT, timeout=0.3)
        with pytest.raises(CommitAmbiguousError):
            put(backend, 2, timeout=0.3)  # the kernel takes it in, and the server may find it there
        assert time.monotonic() - began < patience(3)
        own_redis.process.send_signal(18)
        assert eventually(lambda: own_redis.ask("PING") == "PONG")
        put(backend, 3)


async def test_calls_wait_in_line_for_connections(own_redis):
    """Hundreds at once take few connections; who has waited in vain was not sent."""
    backend = AsyncRedisBackend(own_redis.url("r"))
    writes = [Put(DocumentPath("many", f"{n}"), {"n": n}) for n in range(300)]
    await asyncio.gather(*(backend.commit([one], timeout=TIMEOUT) for one in writes))
    links = list(backend._links._links.values())
    assert [len(link.idle) for link in links] == [CONNECTIONS_MAX]
    assert await backend.count(Query(collection="many"), timeout=TIMEOUT) == 300
    own_redis.process.send_signal(19)
    held = [asyncio.create_task(backend.commit([one], timeout=patience(10))) for one in writes[:CONNECTIONS_MAX]]
    late = [Put(one.path, {"n": -1}) for one in writes[CONNECTIONS_MAX:50]]
    told = await asyncio.gather(*(backend.commit([one], timeout=0.2) for one in late), return_exceptions=True)
    own_redis.process.send_signal(18)
    assert [type(one) for one in told] == [StoreUnavailableError] * len(late)
    await asyncio.gather(*held)
    left = await backend.get_many([one.path for one in late], timeout=TIMEOUT)
    assert [left.documents[one.path].fields for one in late] == [one.fields for one in writes[CONNECTIONS_MAX:50]]
    await backend.close()


# Servers that refuse


def test_a_full_server_refuses_a_commit_whole(own_redis):
    """Nothing of it is there, the next one is refused as well, and reads go on."""
    with opened(own_redis) as backend:
        put(backend)
        used = int(own_redis.info("used_memory"))
        own_redis.ask("CONFIG", "SET", "maxmemory", str(used))
        at = [DocumentPath("large", f"{n}") for n in range(5)]
        for _ in range(2):
            with pytest.raises(StoreUnavailableError, match="OOM"):
                backend.commit([Put(one, {"text": "x" * 1_000_000}) for one in at], timeout=TIMEOUT)
        assert backend.get_many([*at, AT], timeout=TIMEOUT).documents.keys() == {AT}
        assert list(backend.scan("large", timeout=TIMEOUT)) == []
        own_redis.ask("CONFIG", "SET", "maxmemory", "0")
        put(backend, 2)


def test_a_replica_answers_nothing(own_redis, tmp_path):
    """It may be behind, and so neither reads nor commits are served by it."""
    (tmp_path / "second").mkdir()
    second = RedisServer(tmp_path / "second")
    try:
        with opened(own_redis) as backend, opened(second) as behind:
            put(backend)
            second.ask("REPLICAOF", "127.0.0.1", str(own_redis.port))
            assert eventually(lambda: second.info("master_link_status") == "up")
            for call in (lambda: behind.get(AT, timeout=TIMEOUT), lambda: put(behind, 2)):
                with pytest.raises(StoreUnavailableError, match="READONLY"):
                    call()
            # Also where its wall clock is behind the last commit, so that no time has passed there.
            own_redis.ask("HSET", "{r}:clock", "last", "8" * 15 + "0")
            assert eventually(lambda: second.ask("HGET", "{r}:clock", "last") == "8" * 15 + "0")
            with pytest.raises(StoreUnavailableError, match="READONLY"):
                behind.get(AT, timeout=TIMEOUT)
            second.ask("REPLICAOF", "NO", "ONE")
            assert behind.get(AT, timeout=TIMEOUT).documents[AT].fields == {"n": 1}
            assert put(behind, 2).commit_time > backend.get(AT, timeout=TIMEOUT).documents[AT].update_time
    finally:
        second.kill()


@pytest.mark.parametrize("user", ["", "ann:"])
def test_who_is_not_let_in_is_told_so_without_a_password(own_redis, user):
    """By an error that no retry mends."""
    own_redis.ask("CONFIG", "SET", "requirepass", "open")
    with closing(RedisBackend(f"redis://{user and user + 's3cret@'}127.0.0.1:{own_redis.port}")) as backend:
        with pytest.raises(StoreError, match="the user and the password stand in the URL") as caught:
            put(backend)
        assert not caught.value.retryable
        assert "s3cret" not in str(caught.value) + repr(caught.value.__cause__)
    with closing(RedisBackend(f"redis://:open@127.0.0.1:{own_redis.port}")) as backend:
        put(backend)


def test_a_store_of_a_newer_format_is_refused(own_redis):
    """By reads and by commits, and is not changed."""
    with opened(own_redis) as backend:
        put(backend)
        own_redis.ask("HSET", "{r}:clock", "format", "2")
        for call in (lambda: backend.get(AT, timeout=TIMEOUT), lambda: put(backend, 2)):
            with pytest.raises(SchemaVersionError):
                call()
        own_redis.ask("HSET", "{r}:clock", "format", "1")
        assert backend.get(AT, timeout=TIMEOUT).documents[AT].fields == {"n": 1}


def test_somebody_elses_key_fails_a_commit_whole(own_redis):
    """Before anything of it is written."""
    own_redis.ask("LPUSH", f"{{r}}:d:{AT}", "x")
    with opened(own_redis) as backend:
        with pytest.raises(StoreError, match="WRONGTYPE"):
            backend.commit([Put(DocumentPath("a", "b"), {}), Put(AT, {})], timeout=TIMEOUT)
        assert list(backend.scan("a", timeout=TIMEOUT)) == []


@pytest.mark.parametrize("command", ["set", "del", "zadd", "zrem", "zcard"])
def test_a_user_who_may_not_do_all_of_a_commit_does_nothing_of_it(own_redis, command):
    """Whatever an ACL forbids is noticed before the first document is written."""
    kept, gone, new = (DocumentPath(AT.collection, id_) for id_ in ("kept", "gone", "new"))
    with opened(own_redis) as backend:
        backend.commit([Put(kept, {"n": 1}), Put(gone, {"n": 1})], timeout=TIMEOUT)
        assert own_redis.ask("ACL", "SETUSER", "default", f"-{command}") == "OK"
        with pytest.raises(StoreError):
            backend.commit([Put(kept, {"n": 2}), Put(new, {"status": "on"}), Delete(gone)], timeout=TIMEOUT)
        assert own_redis.ask("ACL", "SETUSER", "default", f"+{command}") == "OK"
        found = list(backend.scan(AT.collection, timeout=TIMEOUT))
        assert [(one.path.id, one.fields) for one in found] == [("gone", {"n": 1}), ("kept", {"n": 1})]
        assert backend.get(new, timeout=TIMEOUT).documents == {}


@pytest.mark.parametrize("stored", ["x", f"{'7' * 32}-00000037[", f"{'x' * 41}{{}}"], ids=["short", "cut", "other"])
def test_a_damaged_document_takes_part_in_a_commit(own_redis, stored):
    """No error cuts the commit in half; what is told of the document's time is a precondition that holds."""
    with opened(own_redis) as backend:
        other = DocumentPath(AT.collection, "first")
        own_redis.ask("SET", f"{{r}}:d:{AT}", stored)
        found = backend.get(AT, timeout=TIMEOUT).documents[AT]
        assert [*found.fields] == ["tai_damaged"]
        put = Put(AT, {"status": "on"}, UpdatedAt(found.update_time))
        backend.commit([Put(other, {"status": "on"}), put], timeout=TIMEOUT)
        assert [one.path for one in backend.query(ON, timeout=TIMEOUT)] == [other, AT]
        own_redis.ask("SET", f"{{r}}:d:{AT}", stored)
        backend.commit([Delete(other), Delete(AT)], timeout=TIMEOUT)
        assert backend.get_many([other, AT], timeout=TIMEOUT).documents == {}


def test_a_document_that_vanished_is_damage(own_redis):
    """What an index names and nobody has is given as damaged, and hides no neighbour."""
    with opened(own_redis) as backend:
        put(backend, 1, Put(DocumentPath(AT.collection, "t"), {"n": 2}))
        own_redis.ask("DEL", f"{{r}}:d:{AT}")
        lost, kept = backend.scan(AT.collection, timeout=TIMEOUT)
        assert [*lost.fields] == ["tai_damaged"]
        assert kept.fields == {"n": 2}


# Clusters


def test_a_store_is_one_slot_of_a_cluster(tmp_path):
    """All that it writes and asks is in the slot of its root, scripts and indexes too; another root is in another."""
    server = RedisServer(tmp_path, "--appendonly", "no", "--cluster-enabled", "yes")
    try:
        assert server.ask("CLUSTER", "ADDSLOTSRANGE", "0", "16383") == "OK"
        assert eventually(lambda: "cluster_state:ok" in server.ask("CLUSTER", "INFO"))
        slots = set()
        for root in ("a", "b"):
            with RedisStore(server.url(root), actor="a") as store:
                persister = StateMachinePersister(store, MACHINE)
                with LockManager(store).hold("r") as lock:
                    persister.start("g", "s", labels={"of": "a"})
                    persister.transition("g", "s", "go", idempotency_key="k", lock=lock)
                assert [one.state_id for one in store.list_states("g", status="on")] == ["s"]
                assert [one.state_id for one in store.find(labels={"of": "a"})] == ["s"]
            keys = server.ask("KEYS", f"{{{root}}}:*")
            assert len(keys) > 10
            slots.add(frozenset(server.ask("CLUSTER", "KEYSLOT", key) for key in keys))
        assert [len(one) for one in slots] == [1, 1]
        server.ask("CLUSTER", "DELSLOTSRANGE", "0", "16383")
        with opened(server) as backend, pytest.raises(StoreUnavailableError, match="CLUSTERDOWN"):
            put(backend)
    finally:
        server.kill()
