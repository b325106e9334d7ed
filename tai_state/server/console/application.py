"""The application of the console: which page a request gets, and whether it may."""

from collections.abc import Awaitable, Callable, Mapping
from html import escape
from urllib.parse import parse_qsl, quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tai_state import change_context
from tai_state.server.auth.authentication import Auth
from tai_state.server.auth.sessions import CSRF_FIELD, CSRF_HEADER, Session
from tai_state.server.console import login
from tai_state.server.console.pages import HEADERS, page, redirected
from tai_state.server.http.answers import problem_answer
from tai_state.server.http.bodies import read_body
from tai_state.server.http.refusals import Refusal
from tai_state.server.http.service import Service

PREFIX = "console"
FIELDS_MAX = 1_000

Page = Callable[["Console", Request, Session], Awaitable[Response]]


class Console:
    """Serves the pages below ``/console``; an ASGI application."""

    def __init__(self, service: Service) -> None:
        """Serve pages of *service*."""
        self.service = service
        self._pages: Mapping[tuple[str, str], Page] = {("GET", ""): home, ("POST", "logout"): login.log_out}

    @property
    def auth(self) -> Auth:
        """What is taken as proof of who asks."""
        return self.service.auth

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        try:
            with self.service.request():
                answer: Response = await self._answered(request)
        except Refusal as refusal:
            await problem_answer(refusal.problem, {**refusal.headers, **HEADERS})(scope, receive, send)
            return
        await answer(scope, receive, send)

    async def _answered(self, request: Request) -> Response:
        name = request.url.path.removeprefix(self.path(request).rstrip("/")).strip("/")
        if name == "login":
            asked = login.log_in if request.method == "POST" else login.show_login
            return await asked(self, request)
        session = self.auth.session_of(request.headers)
        if session is None:
            if request.method in {"GET", "HEAD"}:
                return redirected(self.path(request, "login"))
            return login.login_page(self, "Log in first.", status=401)
        found = self._pages.get(("GET" if request.method == "HEAD" else request.method, name))
        if found is None:
            return page("Not found", "<h1>Not found</h1><p>There is no such page.</p>", status=404)
        if request.method not in {"GET", "HEAD"} and not await self._is_meant(request, session):
            return page("Refused", "<h1>Refused</h1><p>This form is too old: load the page again.</p>", status=403)
        with change_context(changed_by=session.principal.name):
            return await found(self, request, session)

    async def _is_meant(self, request: Request, session: Session) -> bool:
        """Whether a change brings the session's CSRF token, in its form or its headers."""
        header = request.headers.get(CSRF_HEADER)
        return session.is_meant(header or (await self.form(request)).get(CSRF_FIELD))

    async def form(self, request: Request) -> Mapping[str, str]:
        """Return the fields of a form, read once; of one that comes twice the last."""
        if not hasattr(request.state, "form"):
            raw = await read_body(request.receive, request.headers, self.service.limits)
            try:
                text = raw.decode()
                request.state.form = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS_MAX))
            except ValueError:
                request.state.form = {}
        form: Mapping[str, str] = request.state.form
        return form

    def path(self, request: Request, *parts: str) -> str:
        """Return the path of a page, its parts encoded, with the prefix that all of this is mounted under."""
        encoded = "/".join(quote(part, safe="") for part in parts)
        return f"{quote(request.scope.get('root_path', ''))}/{PREFIX}/{encoded}"


def csrf_field(session: Session) -> str:
    """Return the hidden field that each form has."""
    return f'<input type="hidden" name="{CSRF_FIELD}" value="{escape(session.csrf)}">'


async def home(console: Console, request: Request, session: Session) -> Response:
    """Show who is logged in."""
    action = escape(console.path(request, "logout"))
    body = (
        f"<h1>tai_state</h1><p>Logged in as {escape(session.principal.name)}, {session.principal.access}.</p>"
        f'<form method="post" action="{action}">{csrf_field(session)}<button>Log out</button></form>'
    )
    return page("Console", body)
