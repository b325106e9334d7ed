"""Servers that are killed while clients of other languages work, and the judge of what came of it."""

import json
import os
import random
import subprocess
import threading
import time
from contextlib import ExitStack

from tai_state import Machine, SqliteStore, StateMachinePersister, Transition
from tai_state.keys import Keys
from tai_state.server import hash_token
from tests.integration.server.served import ROOT, free_port, serving
from tests.waits import patience

CLIENTS = ROOT / "infra" / "clients"
LAMP = Machine("lamp", "off", [Transition("switch", "off", "on"), Transition("switch", "on", "off")])
TOKEN = "clients-of-other-languages-0123456789"
END_SECONDS_MAX = 120.0


class Client:
    """A program of infra/clients that works: what it was told was done, line by line."""

    def __init__(self, name, command, address, *, moves, rate):
        self.state = f"{name}/1"
        self.moves = moves
        self.told: list[str] = []
        self._log: list[str] = []
        self._process = subprocess.Popen(
            [*command, address, self.state, str(moves), str(rate)],
            env=os.environ | {"TAI_STATE_TOKEN": TOKEN},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._readers = [
            threading.Thread(target=self._read, args=pair)
            for pair in ((self._process.stdout, self.told), (self._process.stderr, self._log))
        ]
        for reader in self._readers:
            reader.start()

    @staticmethod
    def _read(stream, lines):
        lines.extend(iter(stream.readline, ""))

    def is_done(self):
        return self._process.poll() is not None

    def end(self):
        """Wait for its end, and return what it was told."""
        try:
            code = self._process.wait(END_SECONDS_MAX)
        finally:
            self._process.kill()
            self._process.wait()
            for reader in self._readers:
                reader.join()
            for stream in (self._process.stdout, self._process.stderr):
                assert stream is not None
                stream.close()
        assert code == 0, "".join(self._log)
        return [json.loads(line) for line in self.told]


def run(folder, commands, *, kills, moves, rate, seed):
    """Let each of *commands* work, and kill the server *kills* times meanwhile; return the clients, ended."""
    (folder / "lamp.json").write_text(LAMP.to_json())
    auth = {"tokens": [{"name": "clients", "sha256": hash_token(TOKEN), "access": "read-write"}]}
    (folder / "auth.json").write_text(json.dumps(auth))
    words = ("--machine", "lamp.json", "--auth", "auth.json")
    port, rng = free_port(), random.Random(seed)
    with ExitStack() as stack:
        clients: list[Client] = []
        for turn in range(kills + 1):
            with serving(folder, *words, port=port) as server:
                if not clients:
                    for name, command in commands.items():
                        client = Client(name, command, server.address, moves=moves, rate=rate)
                        clients.append(client)
                        stack.callback(client.end)
                if turn == kills:
                    for client in clients:
                        client.end()
                else:
                    wait_for_moves(clients, rng.uniform(0.2, 0.6))
                    server.process.kill()
                    server.process.wait()
        return clients


def wait_for_moves(clients, seconds):
    """Wait until each of them has been told of one more move, or has ended, and then for *seconds*."""
    before = [len(client.told) for client in clients]
    ends = time.monotonic() + patience(30.0)
    while any(len(one.told) == count and not one.is_done() for one, count in zip(clients, before, strict=True)):
        assert time.monotonic() < ends, "a client does not come forward"
        time.sleep(0.01)
    time.sleep(seconds)


def judge(folder, clients):
    """Hold what each client was told against the store: every acknowledged change is there, once, and no other."""
    with SqliteStore(folder / "tai_state.db") as store:
        keys = Keys(store, "switches")
        for client in clients:
            told = [json.loads(line) for line in client.told]
            assert [one["key"] for one in told] == [f"{client.state}-{number}" for number in range(client.moves)]
            events = list(store.get_events("lamps", client.state))
            assert [event.idempotency_key for event in events] == [
                f"{client.state}-start",
                *(one["key"] for one in told),
            ]
            assert [event.version for event in events[1:]] == [one["version"] for one in told]
            assert [one["count"] for one in told] == list(range(1, client.moves + 1))
            assert keys.get(client.state) == client.moves
            assert {event.metadata.changed_by for event in events} == {"clients"}
        assert StateMachinePersister(store, LAMP).validate_consistency("lamps").problems == []
