"""Connections in both colours: those of a process, or of an event loop; a forked child makes its own.

Of redis-py only its connections are used, which send one request and read one answer: no retries, which would apply a
commit twice, and no pool, whose waits know nothing of a caller's deadline.
"""

import asyncio
import os
from collections import deque
from typing import Any

from tai_state._platform.forks import anew_in_children
from tai_state.backends.redis.addresses import Address
from tai_state.backends.redis.encoding import Argument
from tai_state.backends.redis.failures import Attempt, leaves_it_whole
from tai_state.backends.redis.scripts import Script
from tai_state.clock import Deadline, SystemClock
from tai_state.errors import ConfigurationError, StoreClosedError, StoreUnavailableError

CONNECTIONS_MAX = 32
"""How many connections an event loop has at most; calls beyond wait for one, in their order."""

_SYSTEM = SystemClock()
_SECONDS_MIN = 0.001


def check_installed() -> None:
    """Refuse to go on without redis-py.

    Raises:
        ConfigurationError: It is not there; names the extra that brings it.
    """
    try:
        import redis  # noqa: F401, PLC0415 - nothing of redis before first use
    except ImportError as error:
        message = "a Redis store needs redis-py: pip install 'tai_state[redis]'"
        raise ConfigurationError(message) from error


def _refuse_closed(*, closed: bool) -> None:
    if closed:
        message = "the Redis backend is closed"
        raise StoreClosedError(message)


def _command(script: Script, keys: list[str], arguments: list[Argument], *, known: bool) -> list[Argument | int]:
    name = ("EVALSHA", script.sha) if known else ("EVAL", script.text)
    return [*name, len(keys), *keys, *arguments]


class _LoopLink:
    """The connections of one event loop."""

    def __init__(self) -> None:
        self.slots = asyncio.Semaphore(CONNECTIONS_MAX)
        self.idle: list[Any] = []


class AsyncLinks:
    """The connections of one backend, a few for each event loop that uses it."""

    def __init__(self, address: Address) -> None:
        """Open nothing yet."""
        self._address = address
        # Links of a parent process stay: nobody touches them, and nobody closes what is the parent's.
        self._links: dict[tuple[int, asyncio.AbstractEventLoop], _LoopLink] = {}
        self._closed = False

    async def run(
        self, script: Script, keys: list[str], arguments: list[Argument], *, timeout: float, is_commit: bool = False
    ) -> Any:
        """Run *script* by one request, by a second one where the server does not know it; return its answer."""
        from redis.exceptions import NoScriptError  # noqa: PLC0415 - nothing of redis before first use

        _refuse_closed(closed=self._closed)
        with Attempt(self._address.url, is_commit=is_commit) as attempt:
            async with asyncio.timeout(max(timeout, 0)):
                try:
                    return await self._ask(attempt, _command(script, keys, arguments, known=True))
                except NoScriptError:
                    attempt.is_sent = False
                return await self._ask(attempt, _command(script, keys, arguments, known=False))

    async def ask(self, *command: Argument, timeout: float) -> Any:
        """Return the answer to a command that changes nothing."""
        _refuse_closed(closed=self._closed)
        with Attempt(self._address.url, is_commit=False) as attempt:
            async with asyncio.timeout(max(timeout, 0)):
                return await self._ask(attempt, list(command))

    async def _ask(self, attempt: Attempt, command: list[Any]) -> Any:
        link = self._link()
        async with link.slots:
            connection = await self._connection(link)
            try:
                attempt.is_sent = True
                await connection.send_command(*command, check_health=False)
                answer = await connection.read_response()
            except BaseException as error:
                if leaves_it_whole(error) and not self._closed:
                    link.idle.append(connection)
                else:
                    await connection.disconnect(nowait=True)
                raise
            if self._closed:
                await connection.disconnect(nowait=True)
            else:
                link.idle.append(connection)
            return answer

    def _link(self) -> _LoopLink:
        key = os.getpid(), asyncio.get_running_loop()
        link = self._links.get(key)
        if link is None:
            for pid, loop in list(self._links):
                if pid == key[0] and loop.is_closed():
                    self._links.pop((pid, loop), None)
            link = self._links[key] = _LoopLink()
        return link

    async def _connection(self, link: _LoopLink) -> Any:
        from redis.exceptions import ConnectionError as LostError  # noqa: PLC0415 - nothing of redis before first use

        while link.idle:
            connection = link.idle.pop()
            # What the server closed meanwhile is told before a request goes into it, which might be a commit.
            try:
                if not await connection.can_read():
                    return connection
            except (LostError, OSError):
                pass
            await connection.disconnect(nowait=True)
        connection = self._made()
        try:
            await connection.connect()
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        return connection

    def _made(self) -> Any:
        from redis.asyncio import connection  # noqa: PLC0415 - nothing of redis before first use

        kind: Any = connection.SSLConnection if self._address.is_tls else connection.Connection
        kind = connection.UnixDomainSocketConnection if self._address.path else kind
        return kind(**self._address.options(), socket_timeout=None, socket_connect_timeout=None)

    async def close(self) -> None:
        """Close every connection that nobody uses; requests under way end, and later ones are refused."""
        self._closed = True
        links, self._links = self._links, {}
        for (pid, loop), link in links.items():
            if pid != os.getpid() or loop.is_closed():
                continue
            if loop is asyncio.get_running_loop():
                await _disconnected(link)
            elif loop.is_running():
                asyncio.run_coroutine_threadsafe(_disconnected(link), loop)


async def _disconnected(link: _LoopLink) -> None:
    while link.idle:
        await link.idle.pop().disconnect()


class Links:
    """The connections of one backend: each thread that asks has one at a time, and leaves it to the next."""

    def __init__(self, address: Address) -> None:
        """Open nothing yet."""
        self._address = address
        self._closed = False
        self.begin_anew()
        anew_in_children(self)

    def begin_anew(self) -> None:
        """Have no connection: those of a parent are the parent's, and are closed here without a word to the server."""
        self._idle: deque[Any] = deque()

    def run(
        self, script: Script, keys: list[str], arguments: list[Argument], *, timeout: float, is_commit: bool = False
    ) -> Any:
        """Run *script* by one request, by a second one where the server does not know it; return its answer."""
        from redis.exceptions import NoScriptError  # noqa: PLC0415 - nothing of redis before first use

        _refuse_closed(closed=self._closed)
        deadline = Deadline(_SYSTEM, timeout)
        with Attempt(self._address.url, is_commit=is_commit) as attempt:
            try:
                return self._ask(attempt, _command(script, keys, arguments, known=True), deadline)
            except NoScriptError:
                attempt.is_sent = False
            return self._ask(attempt, _command(script, keys, arguments, known=False), deadline)

    def ask(self, *command: Argument, timeout: float) -> Any:
        """Return the answer to a command that changes nothing."""
        _refuse_closed(closed=self._closed)
        with Attempt(self._address.url, is_commit=False) as attempt:
            return self._ask(attempt, list(command), Deadline(_SYSTEM, timeout))

    def _ask(self, attempt: Attempt, command: list[Any], deadline: Deadline) -> Any:
        idle = self._idle
        connection = self._connection(idle, deadline)
        try:
            connection.update_current_socket_timeout(_left(deadline))
            attempt.is_sent = True
            connection.send_command(*command, check_health=False)
            answer = connection.read_response()
        except BaseException as error:
            if leaves_it_whole(error) and not self._closed:
                idle.append(connection)
            else:
                connection.disconnect()
            raise
        if self._closed:
            connection.disconnect()
        else:
            idle.append(connection)
        return answer

    def _connection(self, idle: deque[Any], deadline: Deadline) -> Any:
        from redis.exceptions import ConnectionError as LostError  # noqa: PLC0415 - nothing of redis before first use

        while idle:
            try:
                connection = idle.pop()
            except IndexError:  # another thread was faster
                break
            # What the server closed meanwhile is told before a request goes into it, which might be a commit.
            try:
                if not connection.can_read(0):
                    return connection
            except (LostError, OSError):
                pass
            connection.disconnect()
        connection = self._made(_left(deadline))
        try:
            connection.connect()
        except BaseException:
            connection.disconnect()
            raise
        return connection

    def _made(self, seconds: float) -> Any:
        from redis import connection  # noqa: PLC0415 - nothing of redis before first use

        kind: Any = connection.SSLConnection if self._address.is_tls else connection.Connection
        kind = connection.UnixDomainSocketConnection if self._address.path else kind
        return kind(**self._address.options(), socket_timeout=seconds, socket_connect_timeout=seconds)

    def close(self) -> None:
        """Close every connection that nobody uses; requests under way end, and later ones are refused."""
        self._closed = True
        idle = self._idle
        while idle:
            try:
                idle.pop().disconnect()
            except IndexError:
                return


def _left(deadline: Deadline) -> float:
    """Return what is left as a socket takes it, for which 0 is no timeout.

    Raises:
        StoreUnavailableError: Nothing is.
    """
    seconds = deadline.remaining()
    if seconds <= 0:
        message = "the time was over before the server was asked"
        raise StoreUnavailableError(message)
    return max(seconds, _SECONDS_MIN)
