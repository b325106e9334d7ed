"""Beginning and ending a session."""

from html import escape
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from tai_state.server.auth.sessions import COOKIE, Session
from tai_state.server.console.pages import page, redirected

if TYPE_CHECKING:
    from tai_state.server.console.application import Console

_OWN_SITES = frozenset({None, "same-origin", "none"})
"""What ``Sec-Fetch-Site`` says of a form of ours, of a typed address, and of what is no browser."""


async def show_login(console: "Console", request: Request) -> Response:
    """Show the page for logging in; with a code that was not used yet, begin a session."""
    code = request.query_params.get("code")
    if code is None:
        return login_page(console)
    # A browser that fetches a link in advance must not use it up.
    if request.method == "HEAD" or "prefetch" in request.headers.get("sec-purpose", ""):
        return login_page(console, status=409)
    session = console.auth.sessions.redeem(code)
    if session is None:
        return login_page(console, "This link has been used, or is too old.", status=401)
    return _begun(console, request, session)


async def log_in(console: "Console", request: Request) -> Response:
    """Begin a session with a token."""
    if request.headers.get("sec-fetch-site") not in _OWN_SITES:
        return login_page(console, "Another site's page sent this.", status=403)
    token = (await console.form(request)).get("token", "").strip()
    principal = await console.auth.of_token(token) if token else None
    if principal is None:
        await console.service.rates.count_failure(request.client.host if request.client else "unknown")
        return login_page(console, "That is no token of this server.", status=401)
    return _begun(console, request, console.auth.sessions.begin(principal))


async def log_out(console: "Console", request: Request, session: Session) -> Response:
    """End the session."""
    console.auth.sessions.end(session)
    answer = redirected(console.path(request, "login"))
    answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
    return answer


def login_page(console: "Console", fault: str = "", *, status: int = 200) -> Response:
    """Return the page for logging in; *fault* says what went wrong."""
    told = f'<p role="alert">{escape(fault)}</p>' if fault else ""
    hint = "the one that was printed when the server started" if console.auth.token else "one of this server's"
    body = (
        f'<h1>Log in</h1>{told}<form method="post" action="login"><label>Token, {escape(hint)} '
        '<input type="password" name="token" autocomplete="current-password" required autofocus></label> '
        "<button>Log in</button></form>"
    )
    return page("Log in", body, status=status)


def _begun(console: "Console", request: Request, session: Session) -> Response:
    answer = redirected(console.path(request))
    answer.headers.append("Set-Cookie", session.cookie(is_secure=request.url.scheme == "https"))
    return answer
