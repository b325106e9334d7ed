"""The way of a request: who asks, which route, may he, the handler; and where errors become answers."""

import asyncio
import logging
from collections.abc import Mapping
from urllib.parse import quote

from starlette.types import ASGIApp, Receive, Scope, Send

from tai_state import TaiStateError, change_context
from tai_state.adapters.headers import BadHeaderError
from tai_state.adapters.problems import DRAINING, FAILED, log_failure, problem_of
from tai_state.server.auth.authentication import bearer_token
from tai_state.server.auth.principals import Access, Principal
from tai_state.server.auth.sessions import CSRF_HEADER
from tai_state.server.http import refusals
from tai_state.server.http.answers import problem_answer
from tai_state.server.http.calls import Call
from tai_state.server.http.failures import log_unexpected
from tai_state.server.http.refusals import Refusal
from tai_state.server.http.routes import KINDS, BadPathError, Needs, Route, Table
from tai_state.server.http.sent import sent_headers
from tai_state.server.http.service import Service

log = logging.getLogger("tai_state.server")

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

NOBODY = Principal("nobody", Access.READ_ONLY)
"""Who asks where everybody may."""

_ENDING = {"Connection": "close"}


class Dispatch:
    """Serves requests by a table of routes; an ASGI application."""

    def __init__(self, service: Service, table: Table[Route]) -> None:
        """Serve *table* with *service*."""
        self._service = service
        self._table = table

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = sent_headers(scope)
        answer = await self._answered(scope, receive, headers)
        if log.isEnabledFor(logging.INFO):
            # The path alone: what stands behind it may be secret, and so may headers.
            status = getattr(answer, "status", 200)
            log.info(
                "%s %s %d", scope["method"], logged_path(scope), status, extra={"event": "request", "status": status}
            )
        await answer(scope, receive, send)

    async def _answered(self, scope: Scope, receive: Receive, headers: Mapping[str, str]) -> ASGIApp:
        try:
            return await self._let_in(scope, receive, headers)
        except Refusal as refusal:
            return problem_answer(refusal.problem, refusal.headers)
        except BadHeaderError as error:
            return problem_answer(error.problem)
        except TaiStateError as error:
            problem = problem_of(error, if_match="if-match" in headers or "if-none-match" in headers)
            log_failure(problem, error)
            return problem_answer(problem)
        except Exception as error:  # noqa: BLE001 - a guard of the machine, say: whatever it is, it is answered
            log_unexpected(error)
            return problem_answer(FAILED)

    async def _let_in(self, scope: Scope, receive: Receive, headers: Mapping[str, str]) -> ASGIApp:
        """Serve a request of somebody who may make it.

        Raises:
            Refusal: He may not, or there is no such route.
        """
        methods, path = self._found(scope)
        route = methods.get("GET" if scope["method"] == "HEAD" else scope["method"])
        if route is not None and route.needs is Needs.NOTHING:
            call = Call(self._service, route, scope, receive, path=path, headers=headers, principal=NOBODY)
            return await self._served(call)
        if self._service.serving.draining:
            raise Refusal(DRAINING, _ENDING)
        with self._service.request():
            principal = await self.principal_of(scope, headers)
            # What is refused below is a request, too.
            await self._service.rates.count(principal)
            if route is None:
                raise refusals.method_not_allowed(list(methods)) if methods else refusals.no_such_path()
            check_allowed(route.needs, path, principal)
            call = Call(self._service, route, scope, receive, path=path, headers=headers, principal=principal)
            with change_context(changed_by=principal.name):
                return await self._served(call)

    def _found(self, scope: Scope) -> tuple[Mapping[str, Route], dict[str, str]]:
        try:
            return self._table.find(sent_path(scope))
        except BadPathError as error:
            raise refusals.bad_request("the path is not UTF-8 under its percent-encoding", "bad_path") from error

    async def _served(self, call: Call) -> ASGIApp:
        if call.scope["method"] not in SAFE:
            return await call.route.handler(call)
        # A change is bounded by its calls of the store, whose outcome is told; a read by this, too: it has pages.
        try:
            async with asyncio.timeout(self._service.limits.call_seconds):
                return await call.route.handler(call)
        except TimeoutError as error:
            if isinstance(error, TaiStateError):
                raise
            raise refusals.too_slow() from error

    async def principal_of(self, scope: Scope, headers: Mapping[str, str]) -> Principal:
        """Return who a request comes from.

        Raises:
            Refusal: Nobody who is known; or a page of another site may have sent it.
            StoreUnavailableError: An issuer has to be asked, and does not answer.
        """
        auth = self._service.auth
        token = bearer_token(headers)
        if token is not None:
            found = await auth.of_token(token)
            if found is None:
                await self._service.rates.count_failure((scope.get("client") or ("unknown",))[0])
                raise refusals.unauthorized(is_wrong=True)
            return found
        session = auth.session_of(headers)
        if session is not None:
            if scope["method"] not in SAFE and not session.is_meant(headers.get(CSRF_HEADER.lower())):
                raise refusals.forbidden(f"a change in a session needs its {CSRF_HEADER}")
            return session.principal
        found = await auth.of_scope(scope)
        if found is None:
            raise refusals.unauthorized(is_wrong=False)
        return found


def logged_path(scope: Scope) -> str:
    """Return the path as it was sent: encoded, so that nothing in it ends a line; and without what stands behind it."""
    raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    return raw.decode("ascii", "backslashreplace")


def sent_path(scope: Scope) -> str:
    """Return the path as it was sent, percent-encoded, below the prefix that this application is mounted under."""
    raw = scope.get("raw_path")
    if raw is None:
        raw = quote(scope["path"]).encode()
    try:
        path: str = raw.decode("ascii")
    except UnicodeDecodeError as error:
        raise BadPathError from error
    # The prefix is the same number of parts, however it was encoded.
    parts = scope.get("root_path", "").rstrip("/").count("/")
    return path if not parts else "/" + "/".join(path.split("/")[parts + 1 :])


def check_allowed(needs: Needs, path: Mapping[str, str], principal: Principal) -> None:
    """Do nothing where *principal* may do what is asked of what *path* names.

    Raises:
        Refusal: He may not.
    """
    if needs is Needs.WRITE and not principal.may_write:
        raise refusals.forbidden("this token is read-only")
    for name, value in path.items():
        if name in KINDS:
            kind, form = KINDS[name]
            if not principal.allowed.covers(kind, form.format(value)):
                raise refusals.forbidden(f"this token does not reach these {kind}")
