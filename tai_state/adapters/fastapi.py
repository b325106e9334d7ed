"""FastAPI: errors as problem details, what a request says in headers, and a process that ends in order.

    app = FastAPI(lifespan=lifespan(lambda: async_connect(actor="orders")))
    app.add_middleware(DrainMiddleware)
    handle_errors(app)

``lifespan`` opens one store for the loop that serves, in the process that serves, so behind any fork. SIGTERM begins
the end: new requests get 503 and a later ``Retry-After``, those under way are answered, the store is drained and
closed, and only then does the server hear of the signal.
"""

import asyncio
import contextlib
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from http import HTTPStatus
from types import FrameType
from typing import Annotated, Final

from fastapi import Depends, FastAPI, Header, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tai_state import AsyncStateStore, TaiStateError
from tai_state.adapters.headers import BadHeaderError, expected_version_of, idempotency_key_of
from tai_state.adapters.problems import DRAINING, FAILED, Problem, log, log_failure, of_status, problem_of

DRAIN_SECONDS: Final = 9.0
"""Cloud Run kills 10 seconds after SIGTERM; the last of them is for the server itself."""

FAULTS_MAX: Final = 20
"""How many of the faults of one request are told."""


# What a request says in headers.


def _joined(lines: list[str] | None) -> str | None:
    # What comes in several lines is one list, as everywhere in HTTP, and a list is no key and no version.
    return None if lines is None else ", ".join(lines)


def _idempotency_key(idempotency_key: Annotated[list[str] | None, Header()] = None) -> str | None:
    return idempotency_key_of(_joined(idempotency_key))


def _expected_version(if_match: Annotated[list[str] | None, Header()] = None) -> int | None:
    return expected_version_of(_joined(if_match))


IdempotencyKey = Annotated[str | None, Depends(_idempotency_key)]
"""The key of an ``Idempotency-Key`` header, for a parameter of an endpoint."""

ExpectedVersion = Annotated[int | None, Depends(_expected_version)]
"""The version that ``If-Match`` names, for a parameter of an endpoint."""


# Errors.


def answer(problem: Problem) -> Response:
    """Return the response that tells of *problem*."""
    return Response(problem.body(), int(problem.status), problem.headers())


def handle_errors(app: FastAPI) -> None:
    """Let *app* tell every error as problem details: this package's, FastAPI's own, and those that nobody expects."""

    async def ours(request: Request, error: Exception) -> Response:
        assert isinstance(error, TaiStateError)
        problem = problem_of(error, if_match="if-match" in request.headers)
        log_failure(problem, error)
        return answer(problem)

    async def bad_header(_: Request, error: Exception) -> Response:
        assert isinstance(error, BadHeaderError)
        return answer(error.problem)

    async def invalid(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        # Values that were sent are not sent back: they may be long, and they may be secret. Nor is more told than
        # helps: a short body can be wrong in thousands of places.
        found = [{"at": list(map(str, one["loc"])), "message": one["msg"]} for one in error.errors()[:FAULTS_MAX]]
        title = "The request is not as it should be."
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        return answer(Problem(status, "invalid_request", title, members={"errors": found}))

    async def plain(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        response = answer(of_status(error.status_code, str(error.detail)))
        response.headers.update(error.headers or {})
        return response

    async def unexpected(_: Request, __: Exception) -> Response:
        # The server logs it, traceback and all.
        return answer(FAILED)

    app.add_exception_handler(TaiStateError, ours)
    app.add_exception_handler(BadHeaderError, bad_header)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, plain)
    app.add_exception_handler(Exception, unexpected)


# The life of the process.


class Serving:
    """A store, the requests that it serves, and their end.

    Attributes:
        store: The store of this process and this loop.
        draining: Whether the end has begun: no new request is served.
    """

    def __init__(self, store: AsyncStateStore, drain_seconds: float) -> None:
        """Serve from *store*, until an end that takes at most *drain_seconds*."""
        self.store = store
        self.draining = False
        self._seconds = drain_seconds
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._end: asyncio.Task[None] | None = None

    @contextmanager
    def one(self) -> Iterator[None]:
        """Be a request under way."""
        self._under_way += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._idle.set()

    async def drain(self) -> bool:
        """Serve no new request, wait for those under way, then drain the store; return whether all ended in time."""
        self.draining = True
        loop = asyncio.get_running_loop()
        ends = loop.time() + self._seconds
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(ends):
                await self._idle.wait()
        has_ended = await self.store.drain(max(0.0, ends - loop.time()))
        if self._under_way or not has_ended:
            log.error("%d requests were still under way after %g s of draining", self._under_way, self._seconds)
        return has_ended and not self._under_way

    @contextmanager
    def draining_at_sigterm(self) -> Iterator[None]:
        """Let SIGTERM drain first, and tell the server behind that, for as long as the block runs.

        It does nothing where no server handles SIGTERM, and outside of the main thread, which alone sets handlers:
        whoever runs an application there, as tests do, ends it by other means.
        """
        server = signal.getsignal(signal.SIGTERM)
        if not callable(server) or threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()

        async def end() -> None:
            try:
                await self.drain()
            finally:
                server(signal.SIGTERM, None)

        def begin() -> None:
            if self._end is None:
                self._end = loop.create_task(end())

        def at_sigterm(_number: int, _frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(begin)

        signal.signal(signal.SIGTERM, at_sigterm)
        try:
            yield
        finally:
            # Whoever set another one meanwhile wanted that.
            if signal.getsignal(signal.SIGTERM) is at_sigterm:
                signal.signal(signal.SIGTERM, server)


def lifespan(
    open_store: Callable[[], AsyncStateStore], *, drain_seconds: float = DRAIN_SECONDS
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """Return the lifespan of an application over one store, which *open_store* opens.

    Give the server a ``timeout_graceful_shutdown`` of a second: what still runs then was waited for.

    Args:
        drain_seconds: How long requests under way have, from SIGTERM on. Give each call of the store less.
    """

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        serving = Serving(open_store(), drain_seconds)
        app.state.tai_state = serving
        with serving.draining_at_sigterm():
            try:
                yield
            finally:
                # Not as a context manager, which would drain once more, and wait again.
                if not serving.draining:
                    await serving.drain()
                await serving.store.close()

    return life


def serving_of(request: Request) -> Serving:
    """Return what serves *request*; for ``Depends``."""
    serving = request.app.state.tai_state
    assert isinstance(serving, Serving)
    return serving


class DrainMiddleware:
    """Answers 503 once the end has begun, and counts the requests that are under way before it.

    Also for a request under way that the server cancels when its own time is over, where nothing was answered yet.
    """

    def __init__(self, app: ASGIApp, *, always: tuple[str, ...] = ("/health/live",)) -> None:
        """Stand before *app*; the paths in *always* are served to the end."""
        self._app = app
        self._always = frozenset(always)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, or refuse."""
        if scope["type"] != "http" or scope["path"] in self._always:
            await self._app(scope, receive, send)
            return
        serving: Serving = scope["app"].state.tai_state
        if serving.draining:
            await _refuse(scope, receive, send)
            return
        told: list[Message] = []

        async def sending(message: Message) -> None:
            # That there was one is what is asked of it.
            told[:] = [message]
            await send(message)

        with serving.one():
            try:
                await self._app(scope, receive, sending)
            except asyncio.CancelledError:
                if not told:
                    await self._refuse_at_the_end(serving, scope, receive, send)
                raise

    @staticmethod
    async def _refuse_at_the_end(serving: Serving, scope: Scope, receive: Receive, send: Send) -> None:
        # The server waits no longer for what it was asked. Whether that was done nobody knows, and who asks again under
        # the same key is told; without an answer of ours the server's is 500.
        if serving.draining:
            await _refuse(scope, receive, send)


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    refused = answer(DRAINING)
    refused.headers["Connection"] = "close"
    await refused(scope, receive, send)
