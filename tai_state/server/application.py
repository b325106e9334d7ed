"""The application: ``/v1`` and what belongs to it, and the life of the process that serves it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Router

from tai_state.jobs import AsyncJobQueue
from tai_state.server.auth.authentication import Auth, auth_of
from tai_state.server.console.application import Console
from tai_state.server.console.routes import PREFIX
from tai_state.server.http.dispatch import Dispatch, sent_path
from tai_state.server.http.resources import ROUTES
from tai_state.server.http.routes import BadPathError, Table
from tai_state.server.http.service import QueueOf, Service
from tai_state.server.settings import Limits

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from starlette.types import ASGIApp, Receive, Scope, Send

    from tai_state import AsyncStateStore, Machine, PersistenceConfig
    from tai_state.sagas import Saga
    from tai_state.server.auth.tokens import Token

TABLE = Table(ROUTES)

CORS_METHODS = ("GET", "HEAD", "PUT", "POST", "DELETE")
CORS_TOLD = (
    "ETag",
    "Link",
    "Location",
    "Retry-After",
    "Idempotency-Replayed",
    "Preference-Applied",
    "WWW-Authenticate",
)


class Server:
    """An ASGI application that serves one store.

    Run by itself it drains the store and closes it at the end of its lifespan; SIGTERM begins the end. Mounted in
    another application, whose lifespan is its own, it leaves the store to that.

    Attributes:
        token: The token of this run, which may do everything; None where something else says who may do what.
    """

    def __init__(
        self,
        store: AsyncStateStore,
        machines: Iterable[Machine[Any]],
        auth: Auth,
        limits: Limits,
        *,
        config: PersistenceConfig | None,
        queue: QueueOf,
        sagas: Iterable[Saga],
        cors: Sequence[str],
    ) -> None:
        """Serve *store*; ``app`` says what the others are."""
        self.service = Service(store, machines, auth, limits, config=config, queue=queue, sagas=sagas)
        self._life = Router(lifespan=lambda _: self.service.serving.life())
        self._console = Console(self.service)
        served: ASGIApp = Dispatch(self.service, TABLE)
        if cors:
            served = CORSMiddleware(
                served, allow_origins=cors, allow_methods=CORS_METHODS, allow_headers=["*"], expose_headers=CORS_TOLD
            )
        self._served = served

    @property
    def auth(self) -> Auth:
        """What is taken as proof of who asks."""
        return self.service.auth

    @property
    def token(self) -> str | None:
        """The token of this run."""
        return self.auth.token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or the life of the process."""
        if scope["type"] == "http":
            await (self._console if _is_page(scope) else self._served)(scope, receive, send)
        else:
            # A WebSocket is refused there.
            await self._life(scope, receive, send)


def _is_page(scope: Scope) -> bool:
    """Whether a request is one for the console."""
    if PREFIX not in scope["path"]:
        return False
    try:
        return sent_path(scope).split("/", 2)[1:2] == [PREFIX]
    except BadPathError:
        # Told where all else that is wrong with a request is.
        return False


def app(
    store: AsyncStateStore,
    *,
    machines: Iterable[Machine[Any]] = (),
    auth: Auth | str | Iterable[Token] | None = None,
    limits: Limits | None = None,
    config: PersistenceConfig | None = None,
    queue: QueueOf = AsyncJobQueue,
    sagas: Iterable[Saga] = (),
    cors: Sequence[str] = (),
) -> Server:
    """Return an ASGI application that serves *store* over HTTP.

    Args:
        store: Any async store: ``async_connect(url)``. Nothing is read or written yet.
        machines: What states are moved by, each under its name.
        auth: Who may do what: an ``Auth``, tokens, or one token in clear, which may do everything. None: a token that
            is made for this run, ``app(...).token``. Without any proof nothing is served but ``/health/*``.
        limits: What is taken at most.
        config: How states are persisted; the same as elsewhere where others persist them, too.
        queue: Returns the queue of jobs of a name, which has the same settings wherever it is used.
        sagas: Definitions of those that may be started; an ``AsyncSagaRunner`` elsewhere brings them forward.
        cors: The origins whose pages may call; none may where nothing is said.

    Raises:
        ConfigurationError: One of them cannot be.
    """
    return Server(
        store, machines, auth_of(auth), limits or Limits(), config=config, queue=queue, sagas=sagas, cors=cors
    )
