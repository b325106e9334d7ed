"""FastAPI: errors as problem details, what a request says in headers, and a process that ends in order.

    app = FastAPI(lifespan=lifespan(lambda: async_connect(actor="orders")))
    app.add_middleware(DrainMiddleware)
    handle_errors(app)

``lifespan`` opens one store for the loop that serves, in the process that serves, so behind any fork. SIGTERM begins
the end: new requests get 503 and a later ``Retry-After``, those under way are answered, the store is drained and
closed, and only then does the server hear of the signal.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import Depends, FastAPI, Header, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tai_state import AsyncStateStore, TaiStateError
from tai_state.adapters.headers import BadHeaderError, expected_version_of, idempotency_key_of
from tai_state.adapters.problems import DRAINING, FAILED, Problem, log_failure, of_status, problem_of
from tai_state.adapters.serving import DRAIN_SECONDS, Serving

__all__ = [
    "DrainMiddleware",
    "ExpectedVersion",
    "IdempotencyKey",
    "Serving",
    "answer",
    "handle_errors",
    "lifespan",
    "serving_of",
]

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
        async with serving.life():
            yield

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
