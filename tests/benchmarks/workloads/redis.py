"""One durable transition in Redis that flushes always, beside what is written by hand: its CPU, its round trips."""

import json
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tai_state import StateMachinePersister, connect
from tests.benchmarks.harness import Claim, Subject, Workload
from tests.benchmarks.ours import DATA, MACHINE

# What a move is at the least: the state, if its version is the one that was seen, and the event behind the others.
MOVE = """
if redis.call('HGET', KEYS[1], 'version') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'data', ARGV[3])
redis.call('RPUSH', KEYS[2], ARGV[3])
return 1
"""
MOVES = 50


class Server:
    """A redis-server of one's own, by its socket."""

    def __init__(self, folder: Path, *settings: str) -> None:
        program = shutil.which("redis-server")
        if program is None:
            message = "there is no redis-server; install Debian's"
            raise FileNotFoundError(message)
        self.socket = folder / "redis.sock"
        command = [program, "--port", "0", "--unixsocket", str(self.socket), "--save", "", "--dir", str(folder)]
        self._process = subprocess.Popen([*command, *settings], stdout=subprocess.DEVNULL)
        while not self.socket.exists():
            time.sleep(0.01)

    def end(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()


ALWAYS = ("--appendonly", "yes", "--appendfsync", "always")


class Moves:
    """The package: one caller on one state."""

    def setup(self, folder: Path) -> None:
        self.server = Server(folder, *ALWAYS)
        self.store = connect(f"unix://{self.server.socket}", actor="bench")
        self.persister = StateMachinePersister(self.store, MACHINE)
        self.persister.start("g", "s0", DATA)
        self.move()

    def move(self) -> None:
        """Make one move."""
        self.persister.transition("g", "s0", "add")

    def step(self) -> int:
        self.move()
        return 1

    def teardown(self) -> None:
        self.store.close()
        self.server.end()


class Trips(Moves):
    """How many requests the server counts for each move, scripts and all else that clients send."""

    def setup(self, folder: Path) -> None:
        import redis  # noqa: PLC0415 - a peer, in the environment of the benchmark alone

        super().setup(folder)
        self._asking: Any = redis.Redis(unix_socket_path=str(self.server.socket))

    def _sent(self) -> int:
        stats = self._asking.info("commandstats")
        names = ("evalsha", "eval", "watch", "multi", "exec", "config|get", "script|load", "ping")
        return sum(int(stats.get(f"cmdstat_{name}", {"calls": 0})["calls"]) for name in names)

    def step(self) -> int:
        before = self._sent()
        for _ in range(MOVES):
            self.move()
        return (self._sent() - before) // MOVES

    def teardown(self) -> None:
        self._asking.close()
        super().teardown()


class One:
    """One."""

    def setup(self, folder: Path) -> None:
        pass

    def step(self) -> int:
        return 1

    def teardown(self) -> None:
        pass


class ByHand:
    """The hand-written script: what the server and its flush allow."""

    def setup(self, folder: Path) -> None:
        import redis  # noqa: PLC0415 - as above

        self._server = Server(folder, *ALWAYS)
        self._redis: Any = redis.Redis(unix_socket_path=str(self._server.socket))
        self._move = self._redis.register_script(MOVE)
        self._data, self._version = dict(DATA), 1
        self._redis.hset("s0", mapping={"version": 1, "data": json.dumps(DATA)})

    def step(self) -> int:
        self._data["n"] = self._version
        told = json.dumps(self._data)
        assert self._move(keys=["s0", "s0:events"], args=[self._version, self._version + 1, told]) == 1
        self._version += 1
        return 1

    def teardown(self) -> None:
        self._redis.close()
        self._server.end()


class Watched(ByHand):
    """The usual loop: WATCH, read, MULTI, EXEC, by which a lost reply doubles a move."""

    def step(self) -> int:
        def move(pipe: Any) -> None:
            version = int(pipe.hget("s0", "version"))
            data = json.loads(pipe.hget("s0", "data"))
            data["n"] += 1
            told = json.dumps(data)
            pipe.multi()
            pipe.hset("s0", mapping={"version": version + 1, "data": told})
            pipe.rpush("s0:events", told)

        self._redis.transaction(move, "s0")
        return 1


MOVING: dict[str, Callable[[], Subject]] = {"by hand": ByHand, "WATCH loop": Watched, "tai_state": Moves}
WORKLOADS = [
    Workload(
        "w1-redis",
        "one durable transition in Redis, appendfsync always, one caller",
        MOVING,
        [Claim("tai_state", "by hand", 0.4)],
    ),
    Workload("w1-redis-cpu", "CPU of one transition in Redis, of the caller", MOVING, [], unit="us CPU"),
    Workload(
        "w1-redis-trips",
        "round trips of one transition in Redis, the version known",
        {"one": One, "tai_state": Trips},
        [Claim("tai_state", "one", 1.0, less=True)],
        unit="round trips",
        once=True,
    ),
]
