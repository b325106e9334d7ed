"""A real redis-server for tests, and the fixtures that give each test a place of its own on it."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from redis.connection import Connection
from redis.exceptions import ConnectionError as LostError
from redis.exceptions import TimeoutError as LateError

from tai_state._sync.backends.redis import RedisBackend
from tests.waits import eventually

_QUIET = ("--loglevel", "warning", "--save", "")


def free_port() -> int:
    """Return a port of this host that nobody had a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RedisServer:
    """A server in a folder of its own; it may be killed, and started again on what it left there."""

    def __init__(self, folder: Path, *settings: str, under: Sequence[str] = ()) -> None:
        """Begin with *settings*, as redis-server takes them on its command line.

        Args:
            under: What runs it for the first time, such as a tracer.
        """
        program = shutil.which("redis-server")
        if program is None:
            pytest.fail("there is no redis-server: make install", pytrace=False)
        self.port = free_port()
        self.folder = folder
        self._command = [program, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(folder)]
        self._command += [*_QUIET, *settings]
        self.start(under)

    def url(self, root: str = "") -> str:
        """Return the URL of the store below *root*; "": of one that nobody has used."""
        return f"redis://127.0.0.1:{self.port}/0?root={root or uuid.uuid4().hex}"

    def start(self, under: Sequence[str] = ()) -> None:
        """Start, and wait until it answers."""
        self._is_traced = bool(under)
        log = (self.folder / "log").open("ab")
        self.process = subprocess.Popen([*under, *self._command], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        log.close()
        assert eventually(lambda: self.process.poll() is not None or self.ask("PING") == "PONG")
        assert self.process.poll() is None, (self.folder / "log").read_text()

    def ask(self, *command: str) -> Any:
        """Return the answer to *command*, past every client of the package; None for none, also in a second."""
        asking = Connection(port=self.port, protocol=2, driver_info=None, decode_responses=True, socket_timeout=1.0)
        try:
            asking.connect()
            asking.send_command(*command)
            return asking.read_response()
        except (LostError, LateError):
            return None
        finally:
            asking.disconnect()

    def info(self, name: str) -> str:
        """Return what INFO says of *name*."""
        lines = self.ask("INFO", "everything").splitlines()
        return next((line.partition(":")[2] for line in lines if line.startswith(f"{name}:")), "")

    def kill(self) -> None:
        """End it as a crash does."""
        if self._is_traced and self.process.poll() is None:
            os.kill(int(self.info("process_id")), signal.SIGKILL)
        else:
            self.process.kill()
        self.process.wait()


@pytest.fixture(scope="session")
def redis_server():
    """The one server of a run, or of one of its workers, with the settings that the documentation asks for."""
    # A flush to memory costs nothing; what a disk is worth is tried where servers are killed.
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="tai-redis-", dir=memory) as folder:
        server = RedisServer(Path(folder), "--appendonly", "yes", "--appendfsync", "always")
        yield server
        server.kill()


@pytest.fixture
def own_redis(tmp_path):
    """A server of a test's own, which may be broken and told what the test likes; it keeps no log."""
    server = RedisServer(tmp_path, "--appendonly", "no")
    yield server
    server.kill()


def opened(server):
    """Return a backend of *server*, below the root "r", which the end of a ``with`` closes."""
    return closing(RedisBackend(server.url("r")))


@pytest.fixture
def redis_url(redis_server):
    """The URL of a store that nobody has used."""
    return redis_server.url()
