"""A lock taken and given back."""

import time
import uuid
from pathlib import Path
from typing import Any

from tai_state import LockManager
from tai_state.testing.firestore_emulator import new_project_id
from tests.benchmarks.harness import Claim, Workload
from tests.benchmarks.ours import Ours
from tests.benchmarks.workloads.redis import Server

RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end"


class Lock(Ours):
    """A lease of the store."""

    def setup(self, folder: Path) -> None:
        super().setup(folder)
        self._locks = LockManager(self.store)

    def step(self) -> int:
        self._locks.acquire("door", heartbeat=False).release()
        return 1


class RedisLock:
    """The usual lock on a redis-server of this machine, by its socket."""

    def setup(self, folder: Path) -> None:
        import redis  # noqa: PLC0415 - a peer, in the environment of the benchmark alone

        self._server = Server(folder)
        self._redis: Any = redis.Redis(unix_socket_path=str(self._server.socket))
        self._release = self._redis.register_script(RELEASE)

    def step(self) -> int:
        token = uuid.uuid4().hex
        assert self._redis.set("door", token, nx=True, px=30_000)
        assert self._release(keys=["door"], args=[token])
        return 1

    def teardown(self) -> None:
        self._redis.close()
        self._server.end()


class TransactionalLock:
    """The usual lock on Firestore: a transaction of the official client that reads and sets a document."""

    def setup(self, folder: Path) -> None:
        from google.cloud import firestore  # noqa: PLC0415 - only where Firestore is measured

        self._database = firestore.Client(project=new_project_id())
        ref = self._database.document("locks/door")

        @firestore.transactional
        def take(transaction: Any) -> None:
            found = ref.get(transaction=transaction)
            assert not found.exists or not found.get("holder")
            transaction.set(ref, {"holder": "me", "until": time.time() + 30})

        @firestore.transactional
        def give(transaction: Any) -> None:
            assert ref.get(transaction=transaction).get("holder") == "me"
            transaction.set(ref, {"holder": None})

        self._take, self._give = take, give

    def step(self) -> int:
        self._take(self._database.transaction())
        self._give(self._database.transaction())
        return 1

    def teardown(self) -> None:
        self._database.close()


WORKLOADS = [
    Workload(
        "lock-sqlite",
        "acquire and release, NORMAL",
        {"tai_state": lambda: Lock("sqlite", synchronous="NORMAL"), "redis": RedisLock},
        [Claim("tai_state", "redis", 2)],
    ),
    Workload(
        "lock-firestore",
        "acquire and release",
        {"tai_state": lambda: Lock("firestore"), "transactional": TransactionalLock},
        [Claim("tai_state", "transactional", 3)],
        needs_emulator=True,
    ),
]
