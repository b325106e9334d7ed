"""Moves over HTTP from thirty-two connections that are kept, beside those that as many tasks make in one process."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

from tests.benchmarks.harness import Claim, Workload
from tests.benchmarks.ours import CALLERS, DATA, Tasks, url_of

ROOT = Path(__file__).parents[3]
_EACH = 8


class Connection:
    """One connection, over which one request is made at a time, by as little code as will do."""

    def __init__(self, token: str, state: str, *, minimal: bool) -> None:
        self._path, self._token = f"/v1/governors/g/states/{state}", token
        self._move = self._request("/transitions", {"action": "add"}, minimal=minimal)

    async def open(self, port: int) -> None:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", port)
        await self._ask(self._request("", {"data": DATA}, minimal=False))

    async def move(self) -> None:
        await self._ask(self._move)

    def close(self) -> None:
        self._writer.close()

    def _request(self, path: str, body: object, *, minimal: bool) -> bytes:
        sent = json.dumps(body).encode()
        lines = [f"POST {self._path}{path} HTTP/1.1", "Host: bench", f"Authorization: Bearer {self._token}"]
        lines += ["Content-Type: application/json", f"Content-Length: {len(sent)}"]
        lines += ["Prefer: return=minimal"] if minimal else []
        return "\r\n".join([*lines, "", ""]).encode() + sent

    async def _ask(self, request: bytes) -> None:
        self._writer.write(request)
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        assert head[9:10] == b"2", head
        _, found, rest = head.partition(b"content-length:")
        if found:
            await self._reader.readexactly(int(rest.partition(b"\r\n")[0]))


class Http:
    """``tai-state serve``, one process, and as many connections as there are callers, each on a state of its own."""

    def __init__(self, engine: str, *, minimal: bool = False) -> None:
        self._engine, self._minimal = engine, minimal

    def setup(self, folder: Path) -> None:
        command = [sys.executable, "-m", "tai_state", "--store", url_of(self._engine, folder), "--json", "serve"]
        command += ["--port", "0", "--machine", "tests.benchmarks.ours:MACHINE"]
        self._server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self._server.stdout is not None
        told = json.loads(self._server.stdout.readline())
        self._runner = asyncio.Runner()
        self._connections = [Connection(told["token"], f"s{index}", minimal=self._minimal) for index in range(CALLERS)]
        self._runner.run(self._open(int(told["address"].rpartition(":")[2])))

    async def _open(self, port: int) -> None:
        await asyncio.gather(*[one.open(port) for one in self._connections])

    def step(self) -> int:
        self._runner.run(self._all())
        return CALLERS * _EACH

    async def _all(self) -> None:
        async def many(connection: Connection) -> None:
            for _ in range(_EACH):
                await connection.move()

        await asyncio.gather(*map(many, self._connections))

    def teardown(self) -> None:
        for connection in self._connections:
            connection.close()
        self._runner.close()
        self._server.terminate()
        self._server.wait()


def _workload(engine: str) -> Workload:
    return Workload(
        f"http-{engine}",
        "32 callers, 32 states: in one process, and over HTTP",
        {
            "in one process": lambda: Tasks(engine, CALLERS, CALLERS),
            "over HTTP": lambda: Http(engine),
            "over HTTP, return=minimal": lambda: Http(engine, minimal=True),
        },
        [
            Claim("over HTTP", "in one process", 0.3, 0.5),
            Claim("over HTTP, return=minimal", "in one process", 0.3, 0.5),
        ],
    )


WORKLOADS = [_workload(engine) for engine in ("sqlite", "memory")]
