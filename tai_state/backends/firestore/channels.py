"""Channels in both colours: one per process, or one per event loop; and what else differs in kind.

A channel is made on first use and belongs to the process (and the event loop) that
made it: gRPC's state does not survive a fork.
"""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from tai_state._platform.forks import anew_in_children
from tai_state.errors import StoreClosedError

from .client import Connection, Source
from .requests import Requests

if TYPE_CHECKING:
    from tai_state.models import Checkup

T = TypeVar("T")

_SERVICE = "/google.firestore.v1.Firestore/"
_JOIN_SECONDS = 1.0

# Firestore documents responses of any size; gRPC's own default is 4 MiB.
_UNLIMITED = (("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1))
# Which request may be sent twice is for us to say: no retries that a name server configures. What
# gRPC repeats on its own was never seen by the server.
_NO_RETRIES = (("grpc.service_config_disable_resolution", 1),)
# Otherwise a forked child's channel would get the parent's connection from a pool of the whole process.
_OWN_CONNECTION = (("grpc.use_local_subchannel_pool", 1),)
# gRPC's default waits up to two minutes before it tries to connect again.
_RECONNECT = (("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 5_000))
# As the official client has it, to notice a connection that a NAT has dropped.
_KEEPALIVE = (("grpc.keepalive_time_ms", 30_000),)
# Sync reads without a thread of gRPC's between the socket and the reader.
_SINGLE_THREADED = (("SingleThreadedUnaryStream", 1),)


@dataclass(frozen=True, slots=True)
class Link:
    """A channel's callables, one per RPC, and the requests that they take.

    Raw messages in and out; a commit goes in as the bytes that it is on the wire.
    """

    requests: Requests
    channel: Any
    commit: Any
    batch_get: Any
    run_query: Any
    count: Any
    list_documents: Any
    listen: Any
    process_id: int


def _link(channel: Any, requests: Requests) -> Link:
    from google.cloud.firestore_v1.types import firestore  # noqa: PLC0415 - nothing of google before first use

    def rpc(kind: Any, name: str, request: Any, response: Any) -> Any:
        return kind(
            _SERVICE + name,
            request_serializer=None if request is None else request.pb().SerializeToString,
            response_deserializer=response.pb().FromString,
        )

    return Link(
        requests=requests,
        channel=channel,
        commit=rpc(channel.unary_unary, "Commit", None, firestore.CommitResponse),
        batch_get=rpc(
            channel.unary_stream,
            "BatchGetDocuments",
            firestore.BatchGetDocumentsRequest,
            firestore.BatchGetDocumentsResponse,
        ),
        run_query=rpc(channel.unary_stream, "RunQuery", firestore.RunQueryRequest, firestore.RunQueryResponse),
        count=rpc(
            channel.unary_stream,
            "RunAggregationQuery",
            firestore.RunAggregationQueryRequest,
            firestore.RunAggregationQueryResponse,
        ),
        list_documents=rpc(
            channel.unary_unary,
            "ListDocuments",
            firestore.ListDocumentsRequest,
            firestore.ListDocumentsResponse,
        ),
        listen=rpc(channel.stream_stream, "Listen", firestore.ListenRequest, firestore.ListenResponse),
        process_id=os.getpid(),
    )


def _examined(source: Source, root: str, seconds: float) -> "list[Checkup]":
    from .checkups import examine  # noqa: PLC0415 - few look

    return examine(source.connection(), root, seconds)


def _refuse_closed(*, closed: bool) -> None:
    if closed:
        message = "the Firestore backend is closed"
        raise StoreClosedError(message)


class AsyncChannels:
    """The channels of one backend, one per event loop that uses it."""

    def __init__(self, source: Source, root: str) -> None:
        """Open nothing yet."""
        self._source = source
        self._root = root
        # An asyncio channel refers to its loop, so a weak key would never go: ``open`` drops the links
        # of closed loops instead. Links of a parent process stay, as touching them could hang.
        self._links: dict[tuple[int, asyncio.AbstractEventLoop], Link] = {}
        self._closed = False

    async def open(self) -> Link:
        """Return the running loop's link, made on first use.

        Raises:
            ConfigurationError: Firestore was not found; see ``Source.connection``.
            StoreClosedError: The backend was closed.
        """
        key = os.getpid(), asyncio.get_running_loop()
        link = self._links.get(key)
        return link if link is not None else await self._make(key)

    async def _make(self, key: tuple[int, asyncio.AbstractEventLoop]) -> Link:
        _refuse_closed(closed=self._closed)
        requests = await _in_thread(self._prepare)
        _refuse_closed(closed=self._closed)
        for pid, loop in list(self._links):
            if pid == key[0] and loop.is_closed():
                self._links.pop((pid, loop), None)
        # Another task of this loop may have been faster.
        if key not in self._links:
            self._links[key] = _link(_async_channel(self._source.connection()), requests)
        return self._links[key]

    def _prepare(self) -> Requests:
        # Importing google takes a second and finding credentials may take several: not on the loop.
        return Requests(self._source.connection(), self._root)

    async def refresh_credentials(self) -> None:
        """See ``Source.refresh_credentials``; the loop goes on meanwhile."""
        await _in_thread(self._source.refresh_credentials)

    async def examine(self, seconds: float) -> "list[Checkup]":
        """See ``checkups``; the loop goes on meanwhile."""
        return await _in_thread(partial(_examined, self._source, self._root, seconds))

    async def close(self) -> None:
        """Close every channel; requests under way end, and later ones are refused."""
        self._closed = True
        links, self._links = self._links, {}
        for (pid, loop), link in links.items():
            if pid != os.getpid() or loop.is_closed():
                continue
            if loop is asyncio.get_running_loop():
                await link.channel.close()
            elif loop.is_running():
                asyncio.run_coroutine_threadsafe(link.channel.close(), loop)


class Channels:
    """The channel of one backend; a forked child gets one of its own, given gRPC's fork support."""

    def __init__(self, source: Source, root: str) -> None:
        """Open nothing yet."""
        self._source = source
        self._root = root
        self._link: Link | None = None
        self._inherited: list[Link] = []
        self._closed = False
        self.begin_anew()
        anew_in_children(self)

    def begin_anew(self) -> None:
        """Be free: no thread of a fork's child is inside the lock, whoever was at that moment."""
        self._lock = threading.Lock()

    def open(self) -> Link:
        """Return the link, made on first use.

        Raises:
            ConfigurationError: Firestore was not found; see ``Source.connection``.
            StoreClosedError: The backend was closed.
        """
        link = self._link
        return link if link is not None and link.process_id == os.getpid() else self._make()

    def _make(self) -> Link:
        with self._lock:
            _refuse_closed(closed=self._closed)
            link = self._link
            if link is not None and link.process_id == os.getpid():
                return link
            if link is not None:
                # The parent's channel: kept and never touched, as even its destructor could hang.
                self._inherited.append(link)
            connection = self._source.connection()
            self._link = _link(_sync_channel(connection), Requests(connection, self._root))
            return self._link

    def refresh_credentials(self) -> None:
        """See ``Source.refresh_credentials``."""
        self._source.refresh_credentials()

    def examine(self, seconds: float) -> "list[Checkup]":
        """See ``checkups``."""
        return _examined(self._source, self._root, seconds)

    def close(self) -> None:
        """Close the channel; requests under way end, and later ones are refused."""
        with self._lock:
            self._closed = True
            link, self._link = self._link, None
        if link is not None and link.process_id == os.getpid():
            link.channel.close()


class AsyncOpenRequest:
    """The request side of a stream that stays open: one message, then nothing until ``close``."""

    def __init__(self, request: Any) -> None:
        """Take the one message."""
        self._request = request
        self._ended = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[Any]:
        """Yield the message, and end once closed."""
        yield self._request
        await self._ended.wait()

    async def close(self) -> None:
        """Let the stream end."""
        self._ended.set()


class OpenRequest:
    """The sync twin of AsyncOpenRequest; gRPC iterates over it in a thread of its own."""

    def __init__(self, request: Any) -> None:
        """Take the one message."""
        self._request = request
        self._ended = threading.Event()
        self._reader: threading.Thread | None = None

    def __iter__(self) -> Iterator[Any]:
        """Yield the message, and end once closed."""
        self._reader = threading.current_thread()
        yield self._request
        self._ended.wait()

    def close(self) -> None:
        """Let the stream end, and wait for the thread that reads it."""
        self._ended.set()
        if self._reader is not None and self._reader is not threading.current_thread():
            self._reader.join(_JOIN_SECONDS)


def _async_channel(connection: Connection) -> Any:
    import grpc.aio  # noqa: PLC0415 - nothing of grpc before first use

    options = [*_UNLIMITED, *_NO_RETRIES, *_OWN_CONNECTION, *_RECONNECT]
    if connection.is_emulator:
        return grpc.aio.insecure_channel(connection.target, options=options)
    from google.cloud.firestore_v1.services.firestore.transports import (  # noqa: PLC0415
        FirestoreGrpcAsyncIOTransport,
    )

    options += _KEEPALIVE
    return FirestoreGrpcAsyncIOTransport.create_channel(
        connection.target, credentials=connection.credentials, options=options
    )


def _sync_channel(connection: Connection) -> Any:
    import grpc  # noqa: PLC0415 - nothing of grpc before first use

    options = [*_UNLIMITED, *_NO_RETRIES, *_OWN_CONNECTION, *_RECONNECT, *_SINGLE_THREADED]
    if connection.is_emulator:
        return grpc.insecure_channel(connection.target, options=options)
    from google.cloud.firestore_v1.services.firestore.transports import FirestoreGrpcTransport  # noqa: PLC0415

    options += _KEEPALIVE
    return FirestoreGrpcTransport.create_channel(connection.target, credentials=connection.credentials, options=options)


async def _in_thread(function: Callable[[], T]) -> T:
    """Run *function* in a thread that ends with it; a cancelled caller does not wait for it."""
    executor = ThreadPoolExecutor(1, thread_name_prefix="tai-state-firestore")
    try:
        result = await asyncio.get_running_loop().run_in_executor(executor, function)
    except asyncio.CancelledError:
        executor.shutdown(wait=False)
        raise
    except BaseException:
        executor.shutdown()
        raise
    executor.shutdown()
    return result
