"""A proxy between Firestore's clients and its emulator that breaks Commits, and nothing else, as a plan says.

Each client has a port of its own, so that what is aimed at a client hits its process.
"""

import asyncio
import contextlib
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, Self

from tests.chaos.faults import UPON_REPLY, Fault, Plan
from tests.chaos.frames import PREFACE_BYTES, Unit, Units

COMMIT = b"/google.firestore.v1.Firestore/Commit"
REPLY_SECONDS_MAX = 30.0
START_SECONDS_MAX = 60.0
UNTIL_TOLD = 1e9
"""So many seconds of delay last until ``Proxy.deliver`` is called."""
SETTLING_ROUNDS = 10
"""More rounds of the event loop than an accepted connection or a closed transport needs to become known to it."""


class Victim(Protocol):
    """The process at the other end of a connection."""

    def kill(self) -> bool:
        """Kill it with SIGKILL; return whether it was alive."""
        ...

    def freeze(self) -> bool:
        """Stop it with SIGSTOP; return whether it was alive."""
        ...

    def thaw(self) -> None:
        """Let it go on."""
        ...


class Client:
    """One client of the proxy: its plan, and what tells the process that it is now."""

    def __init__(self, plan: Plan, victim: Callable[[], Victim]) -> None:
        """Do as *plan* says; each connection belongs to the *victim* that there is when it is opened."""
        self.plan = plan
        self.victim = victim


class Proxy:
    """Serves any number of clients in a thread of its own, and counts what it does to them.

    ``counts``: each fault once it was certainly done. ``answers``: the server's to all Commits, by gRPC code.
    """

    def __init__(self, emulator: str) -> None:
        """Stand before the *emulator*, ``"127.0.0.1:8080"``."""
        host, _, port = emulator.rpartition(":")
        self._target = (host, int(port))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="chaos-proxy", daemon=True)
        self._servers: list[asyncio.Server] = []
        self._told = asyncio.Event()
        self.counts: Counter[Fault] = Counter()
        self.answers: Counter[int | None] = Counter()
        self.failures: list[BaseException] = []

    def __enter__(self) -> Self:
        """Start."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End every connection."""
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(START_SECONDS_MAX)
        self._loop.close()

    def listen(self, client: Client) -> str:
        """Return where *client* finds the emulator, in the form of FIRESTORE_EMULATOR_HOST."""
        return str(self._run(self._listen(client)))

    def deliver(self) -> None:
        """Deliver what waits to be, and whatever will."""
        self._loop.call_soon_threadsafe(self._told.set)

    async def delay(self, seconds: float) -> None:
        """Wait for *seconds*, or until it is told to deliver."""
        if seconds >= UNTIL_TOLD:
            await self._told.wait()
        else:
            await asyncio.sleep(seconds)

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(START_SECONDS_MAX)

    async def _listen(self, client: Client) -> str:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await self._serve(client, reader, writer)
            except (OSError, asyncio.CancelledError):
                # The proxy ends, or one side has gone: the other one is told so, and nobody else.
                reset(writer)
            except Exception as error:  # noqa: BLE001 - told to the test, whose thread this is not
                self.failures.append(error)

        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        self._servers.append(server)
        host, port = server.sockets[0].getsockname()
        return f"{host}:{port}"

    async def _serve(self, client: Client, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opening = asyncio.ensure_future(asyncio.open_connection(*self._target))
        try:
            from_server, to_server = await asyncio.shield(opening)
        except asyncio.CancelledError:
            # Nobody would close what is opened in this very moment.
            reset((await opening)[1])
            raise
        try:
            await _Connection(self, client, writer, to_server).run(reader, from_server)
        finally:
            reset(to_server)

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        # A client that was reset connects anew: what was accepted by now gets its task, so that it can be ended.
        await _settle()
        while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await _settle()


class _Connection:
    """One client's connection, and its twin to the server."""

    def __init__(
        self, proxy: Proxy, client: Client, to_client: asyncio.StreamWriter, to_server: asyncio.StreamWriter
    ) -> None:
        self._proxy = proxy
        self._plan = client.plan
        # By the time of the fault the client may live in another process.
        self._victim = client.victim()
        self._to_client = to_client
        self._to_server = to_server
        self._is_dead = False
        # The Commits that wait for their replies, and what will happen then.
        self._awaited: dict[int, tuple[Fault | None, float]] = {}
        self._replies: dict[int, asyncio.Future[None]] = {}

    async def run(self, from_client: asyncio.StreamReader, from_server: asyncio.StreamReader) -> None:
        """Pass everything on until one side has ended; then end both."""
        pumps = [asyncio.ensure_future(self._upwards(from_client)), asyncio.ensure_future(self._downwards(from_server))]
        try:
            ended, _ = await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for pump in ended:
                pump.result()
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            self._to_client.close()
            self._to_server.close()
            for writer in (self._to_client, self._to_server):
                with contextlib.suppress(OSError):
                    await writer.wait_closed()

    # From the client to the server

    async def _upwards(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            self._to_server.write(await reader.readexactly(PREFACE_BYTES))
            units = Units(reader)
            while (unit := await units.next()) is not None:
                if unit.path == COMMIT:
                    if not await self._commit(unit, units):
                        return
                    continue
                if unit.ends:
                    # A request of ours that the client does not wait for any more.
                    self._awaited.pop(unit.stream, None)
                await self._send(unit.raw)

    async def _commit(self, first: Unit, units: Units) -> bool:
        """Pass a Commit on, or do what the plan says; return whether the connection lives on."""
        fault, seconds = self._plan.next()
        request = await _whole(first, units)
        if request is None:
            return False
        if fault is None or fault in UPON_REPLY:
            self._awaited[first.stream] = (fault, seconds)
            await self._send(request)
            return True
        return await self._fault_of_request(fault, seconds, first.stream, request)

    async def _fault_of_request(self, fault: Fault, seconds: float, stream: int, request: bytes) -> bool:
        if fault is Fault.KILL_BEFORE and not self._victim.kill():
            return False
        self._count(fault)
        match fault:
            case Fault.DELAY_REQUEST:
                await asyncio.sleep(seconds)
                self._awaited[stream] = (None, 0.0)
                await self._send(request)
                return True
            case Fault.HOLE_BEFORE:
                self._is_dead = True
                await asyncio.sleep(seconds)
                self._die()
            case Fault.CUT_BEFORE:
                self._die()
            case Fault.CUT_BETWEEN:
                await self._send(request)
                self._die()
            case _:
                assert fault in {Fault.ZOMBIE, Fault.KILL_BEFORE}, fault
                self._die()
                await self._proxy.delay(seconds)
                await self._deliver(stream, request)
        return False

    async def _deliver(self, stream: int, request: bytes) -> None:
        """Send what nobody waits for any more, and let the server answer it."""
        self._replies[stream] = asyncio.get_running_loop().create_future()
        self._awaited[stream] = (None, 0.0)
        await self._send(request)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._replies[stream], REPLY_SECONDS_MAX)

    async def _send(self, raw: bytes) -> None:
        self._to_server.write(raw)
        await self._to_server.drain()

    # From the server to the client

    async def _downwards(self, reader: asyncio.StreamReader) -> None:
        units = Units(reader)
        held: list[Unit] = []
        while (unit := await units.next()) is not None:
            held.append(unit)
            if unit.ends and not await self._ended(unit):
                return
            # What stands behind a reply that is held waits, too: the order of header blocks is part of what they say.
            if not any(self._awaits_fault(one.stream) for one in held):
                for one in held:
                    self._pass_on(one)
                held.clear()

    def _awaits_fault(self, stream: int) -> bool:
        return stream in self._awaited and self._awaited[stream][0] is not None

    async def _ended(self, unit: Unit) -> bool:
        """Note the end of a reply and do what is to be done upon it; return whether the connection lives on."""
        if unit.stream not in self._awaited:
            return True
        fault, seconds = self._awaited.pop(unit.stream)
        self._proxy.answers[unit.grpc_status] += 1
        if unit.stream in self._replies:
            self._replies[unit.stream].set_result(None)
        return fault is None or unit.grpc_status != 0 or await self._fault_of_reply(fault, seconds)

    async def _fault_of_reply(self, fault: Fault, seconds: float) -> bool:
        """Do what is to be done upon a success, which is held back; return whether the connection lives on."""
        match fault:
            case Fault.CUT_AFTER:
                self._die()
            case Fault.KILL_AFTER:
                if not self._victim.kill():
                    return False
                self._die()
            case Fault.FREEZE:
                if not self._victim.freeze():
                    return False
                asyncio.get_running_loop().call_later(seconds, self._victim.thaw)
                self._count(fault)
                return True
            case Fault.DELAY_REPLY:
                await asyncio.sleep(seconds)
                self._count(fault)
                return True
            case _:
                assert fault is Fault.HOLE_AFTER, fault
                self._count(fault)
                self._is_dead = True
                await asyncio.sleep(seconds)
                self._die()
                return False
        self._count(fault)
        return False

    def _pass_on(self, unit: Unit) -> None:
        if not self._is_dead:
            self._to_client.write(unit.raw)

    def _die(self) -> None:
        """Reset the client's connection."""
        self._is_dead = True
        reset(self._to_client)

    def _count(self, fault: Fault) -> None:
        self._proxy.counts[fault] += 1


async def _settle() -> None:
    for _ in range(SETTLING_ROUNDS):
        await asyncio.sleep(0)


async def _whole(first: Unit, units: Units) -> bytes | None:
    """Return the whole request that *first* begins, with whatever stands between its parts; None: it has no end."""
    raw, unit = first.raw, first
    while not (unit.stream == first.stream and unit.ends):
        following = await units.next()
        if following is None:
            return None
        unit = following
        raw += unit.raw
    return raw


def reset(writer: asyncio.StreamWriter) -> None:
    """Close a connection with a reset, and drop what is not yet sent."""
    connection = writer.get_extra_info("socket")
    if connection is not None and not writer.is_closing():
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
