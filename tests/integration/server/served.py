"""``tai-state serve`` as a real process."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[3]
START_SECONDS_MAX = 60.0
END_SECONDS_MAX = 60.0


class Answer(NamedTuple):
    """What the server answered."""

    status: int
    headers: Any
    content: bytes

    def json(self):
        return json.loads(self.content)


class Served:
    """A server that runs: what it has printed, and a way to call it."""

    def __init__(self, process, told, log):
        self.process = process
        self.told = told
        self._log = log

    @property
    def address(self):
        return self.told["address"]

    def call(self, method, path, body=None, **headers):
        """Make one request with the token of this run."""
        sent = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.told.get('token')}", "Content-Type": "application/json"} | headers
        request = urllib.request.Request(self.address + path, sent, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers, error.read())

    def end(self, number=signal.SIGTERM):
        """Send a signal, and return the exit code and what was said on stderr."""
        self.process.send_signal(number)
        self.process.wait(END_SECONDS_MAX)
        return self.process.returncode, self._log.read_text(encoding="utf-8")


def free_port():
    """Return a port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as bound:
        return bound.getsockname()[1]


@contextmanager
def serving(folder, *words, port=0):
    """Start a server in *folder*, behind ``tai-state serve``; without a *port* on one that is free."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("TAI_STATE_")}
    command = [sys.executable, "-m", "tai_state", "--json", "serve", "--port", str(port), *words]
    # A pipe that nobody reads would hold up who writes much.
    log = folder / "server.log"
    with log.open("ab") as errors:
        process = subprocess.Popen(
            command, cwd=folder, env=env | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=errors, text=True
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, log.read_text(encoding="utf-8")
        yield Served(process, json.loads(line), log)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()
