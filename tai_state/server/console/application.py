"""The application of the console: which page a request gets, and whether it may."""

import asyncio
import logging
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tai_state import OutcomeUnknownError, TaiStateError, change_context
from tai_state.adapters.problems import DRAINING, FAILED, Problem, log_failure, problem_of
from tai_state.server.auth.sessions import CSRF_FIELD, CSRF_HEADER
from tai_state.server.console import login
from tai_state.server.console.costs import Cost
from tai_state.server.console.rendering import HEADERS
from tai_state.server.console.routes import PREFIX, Page
from tai_state.server.console.views import PAGES
from tai_state.server.console.visit import Visit
from tai_state.server.console.watch import Watch
from tai_state.server.http import refusals
from tai_state.server.http.dispatch import SAFE, check_allowed, logged_path, sent_path
from tai_state.server.http.failures import log_unexpected
from tai_state.server.http.refusals import Refusal
from tai_state.server.http.routes import BadPathError, Table
from tai_state.server.http.service import Service
from tai_state.telemetry import observe

TABLE = Table(PAGES)

STATIC = {"console.css": "text/css; charset=utf-8", "console.js": "text/javascript; charset=utf-8"}
"""What pages load, all of it; the page for logging in needs it, so that everybody may have it."""

log = logging.getLogger("tai_state.server")


class Console:
    """Serves the pages below ``/console``; an ASGI application."""

    def __init__(self, service: Service) -> None:
        """Serve pages of *service*."""
        self.service = service
        self._watch = Watch(service.store, service.clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        visit = Visit(self.service, self._watch, Request(scope, receive))
        answer = await self._answered(visit)
        if log.isEnabledFor(logging.INFO):
            # The path alone: a code to log in with may stand behind it.
            told = {"event": "request", "status": answer.status_code}
            log.info("%s %s %d", scope["method"], logged_path(scope), answer.status_code, extra=told)
        await answer(scope, receive, send)

    async def _answered(self, visit: Visit) -> Response:
        try:
            with self.service.request():
                return await self._let_in(visit)
        except Refusal as refusal:
            return _told(visit, refusal.problem, refusal)
        except TaiStateError as error:
            problem = problem_of(error, if_match=False)
            log_failure(problem, error)
            is_again = visit.request.method == "POST" and (error.retryable or isinstance(error, OutcomeUnknownError))
            return _told(visit, problem, again=await visit.form() if is_again else None)
        except Exception as error:  # noqa: BLE001 - a guard of the machine, say: whatever it is, it is answered
            log_unexpected(error)
            return _told(visit, FAILED)

    async def _let_in(self, visit: Visit) -> Response:
        """Serve a request of somebody who may make it.

        Raises:
            Refusal: He may not, or there is no such page.
        """
        if self.service.serving.draining:
            raise Refusal(DRAINING, {"Connection": "close"})
        try:
            path = sent_path(visit.request.scope).removesuffix("/") or "/"
            found, visit.path = TABLE.find(path if path != f"/{PREFIX}" else f"/{PREFIX}/")
        except BadPathError as error:
            raise refusals.bad_request("the path is not UTF-8 under its percent-encoding", "bad_path") from error
        is_reading = visit.request.method in SAFE
        if path.startswith(f"/{PREFIX}/static/"):
            return _static(path.rpartition("/")[2])
        if path == f"/{PREFIX}/login":
            return await (login.show_login if is_reading else login.log_in)(visit)
        visit.session = self.service.auth.session_of(visit.request.headers)
        if visit.session is None:
            return visit.redirect("login") if is_reading else login.login_page(visit, "Log in first.", status=401)
        self._watch.begin()
        await self.service.rates.count(visit.principal)
        page = found.get("GET" if visit.request.method == "HEAD" else visit.request.method)
        if page is None:
            raise refusals.method_not_allowed(list(found)) if found else refusals.no_such("page")
        if not is_reading and not await _is_meant(visit):
            raise refusals.forbidden("this form is too old: load its page again")
        check_allowed(page.needs, visit.path, visit.principal)
        with change_context(changed_by=visit.principal.name):
            return await self._served(visit, page)

    async def _served(self, visit: Visit, page: Page) -> Response:
        visit.cost = Cost()
        # Nobody looks on where no page is made: the moves of other callers cost nothing more.
        with observe(self.service.store, visit.cost):
            if page.method == "POST":
                return await page.handler(visit)
            # A change is bounded by its calls of the store, whose outcome is told; a page by this, too.
            try:
                async with asyncio.timeout(self.service.limits.call_seconds):
                    return await page.handler(visit)
            except TimeoutError as error:
                if isinstance(error, TaiStateError):
                    raise
                raise refusals.too_slow() from error


async def _is_meant(visit: Visit) -> bool:
    """Whether a change brings the session's CSRF token, in its form or its headers."""
    assert visit.session is not None
    header = visit.request.headers.get(CSRF_HEADER)
    return visit.session.is_meant(header or (await visit.form()).get(CSRF_FIELD))


def _told(
    visit: Visit, problem: Problem, refusal: Refusal | None = None, *, again: Mapping[str, str] | None = None
) -> Response:
    """Return a problem as a page; *again* is the form that may be sent again as it was."""
    answer = visit.render("problem.html", problem.title, status=int(problem.status), problem=problem, again=again)
    answer.headers.update(problem.headers() | dict(refusal.headers if refusal else {}))
    answer.headers["Content-Type"] = "text/html; charset=utf-8"
    return answer


@cache
def _static(name: str) -> Response:
    if name not in STATIC:
        raise refusals.no_such("page")
    content = (Path(__file__).parent / "static" / name).read_bytes()
    return Response(content, headers={**HEADERS, "Cache-Control": "max-age=300", "Content-Type": STATIC[name]})
