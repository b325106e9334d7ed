"""Servers of the example service as real processes: started, called, ended, and restarted one after the other."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from tests.waits import eventually

ROOT = Path(__file__).parents[3]
SERVICE = ROOT / "infra" / "service"
ADDRESS = re.compile(r"(?:running on|Listening at:) http://127\.0\.0\.1:([0-9]+)")
# A busy machine is no defect: no call fails for its time before the test does.
CALL_SECONDS = 90.0
START_SECONDS_MAX = 300.0
PATIENT = {"ORDERS_CALL_SECONDS": "60"}

COMMANDS = {
    "fastapi": (
        *("uvicorn", "--factory", "orders.asgi:create_app", "--port", "0"),
        *("--timeout-graceful-shutdown", "1", "--no-access-log"),
    ),
    "flask": (
        *("gunicorn", "--config", str(SERVICE / "gunicorn.conf.py"), "--bind", "127.0.0.1:0"),
        "orders.wsgi:create_app()",
    ),
}


class Answer(NamedTuple):
    """What a server answered; the names of its headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: Any


def answered(response: http.client.HTTPResponse) -> Answer:
    told = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status, told, json.loads(response.read()))


@dataclass
class Server:
    """One server: a uvicorn, or a gunicorn with its workers.

    Attributes:
        ending: Whether it was told to end: from then on it may refuse.
    """

    kind: str
    log: Path
    process: subprocess.Popen[bytes]
    port: int = 0
    ending: bool = False

    @classmethod
    def start(cls, kind: str, store: str, folder: Path, **environment: str) -> "Server":
        """Start one over the store at this URL; it answers later."""
        log = folder / f"{kind}-{time.monotonic_ns()}.log"
        env = os.environ | {"PYTHONPATH": f"{ROOT}:{SERVICE}", "TAI_STATE_STORE": store} | PATIENT | environment
        with log.open("wb") as output:
            command = [sys.executable, "-m", "tests.integration.service.serve", *COMMANDS[kind]]
            return cls(kind, log, subprocess.Popen(command, cwd=folder, env=env, stdout=output, stderr=output))

    def said(self) -> str:
        """Return all that it has printed."""
        return self.log.read_text(encoding="utf-8")

    def is_ready(self) -> bool:
        """Whether it serves."""
        assert self.process.poll() is None, self.said()
        if not self.port:
            found = ADDRESS.search(self.said())
            self.port = int(found[1]) if found else 0
        try:
            return bool(self.port) and self.call("GET", "/health/ready").status == 200
        except (OSError, http.client.HTTPException):
            return False

    def call(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
        """Make one request, over a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=CALL_SECONDS)
        try:
            sent = None if body is None else json.dumps(body)
            connection.request(method, path, sent, {"Content-Type": "application/json"} | dict(headers or {}))
            with connection.getresponse() as response:
                return answered(response)
        finally:
            connection.close()

    def begin(self, path: str, body: Any) -> Callable[[], Answer]:
        """Begin a request, and return what waits for the answer; the server has let the request in by then."""
        sent = json.dumps(body).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n"
        connection = socket.create_connection(("127.0.0.1", self.port), CALL_SECONDS)
        connection.sendall(f"{head}Content-Length: {len(sent)}\r\n\r\n".encode())
        told = b""
        while b"\r\n\r\n" not in told:
            told += connection.recv(1)
        assert told.startswith(b"HTTP/1.1 100 "), told
        connection.sendall(sent)

        def answer() -> Answer:
            with connection, http.client.HTTPResponse(connection) as response:
                response.begin()
                return answered(response)

        return answer

    def end(self) -> None:
        """Tell it to end."""
        self.ending = True
        self.process.send_signal(signal.SIGTERM)

    def ended(self, seconds_max: float) -> float:
        """Wait for its end, and return after how many seconds it came; uvicorn's is SIGTERM's, behind the drain."""
        began = time.monotonic()
        code = self.process.wait(seconds_max)
        assert code in {0, -signal.SIGTERM}, self.said()
        return time.monotonic() - began

    def kill(self) -> None:
        """End it in any case, and at once: what it has under way is cut off."""
        self.ending = True
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@dataclass
class Fleet:
    """Several servers behind one name, as a balancer has them: those that were found ready are called in turn."""

    kind: str
    store: str
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    servers: list[Server] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _turn: int = 0

    def start(self, count: int) -> list[Server]:
        """Start servers side by side, and take them in once they are ready."""
        started = [Server.start(self.kind, self.store, self.folder, **self.environment) for _ in range(count)]
        try:
            is_ready = eventually(lambda: all(server.is_ready() for server in started), START_SECONDS_MAX)
            assert is_ready, started[0].said()
        except BaseException:
            for server in started:
                server.kill()
            raise
        with self._lock:
            self.servers += started
        return started

    def next(self) -> Server:
        """Return the server whose turn it is; one that is ending has turns until it has ended."""
        with self._lock:
            self._turn += 1
            return self.servers[self._turn % len(self.servers)]

    def restart(self, server: Server, seconds_max: float) -> float:
        """End one server while the others serve, start another in its place; return how long the end took."""
        server.end()
        seconds = server.ended(seconds_max)
        self._replace(server)
        return seconds

    def crash(self, server: Server) -> None:
        """Kill one server in the middle of what it does, start another in its place."""
        server.kill()
        self._replace(server)

    def _replace(self, server: Server) -> None:
        with self._lock:
            self.servers.remove(server)
        self.start(1)


@contextmanager
def fleet_of(kind: str, count: int, store: str, folder: Path, **environment: str) -> Iterator[Fleet]:
    """Have a fleet of *count* servers; none is left behind."""
    fleet = Fleet(kind, store, folder, environment)
    try:
        fleet.start(count)
        yield fleet
    finally:
        for server in fleet.servers:
            server.kill()
