"""Beginning and ending a session."""

from starlette.responses import Response

from tai_state.server.auth.sessions import COOKIE, Session
from tai_state.server.console.routes import Pages
from tai_state.server.console.visit import Visit
from tai_state.server.http.routes import Needs

_OWN_SITES = frozenset({None, "same-origin", "none"})
"""What ``Sec-Fetch-Site`` says of a form of ours, of a typed address, and of what is no browser."""

pages = Pages()


async def show_login(visit: Visit) -> Response:
    """Show the page for logging in; with a code that was not used yet, begin a session."""
    code = visit.text("code")
    if code is None:
        return login_page(visit)
    # A browser that fetches a link in advance must not use it up.
    if visit.request.method == "HEAD" or "prefetch" in visit.request.headers.get("sec-purpose", ""):
        return login_page(visit, status=409)
    session = visit.service.auth.sessions.redeem(code)
    if session is None:
        return login_page(visit, "This link has been used, or is too old.", status=401)
    return _begun(visit, session)


async def log_in(visit: Visit) -> Response:
    """Begin a session with a token."""
    if visit.request.headers.get("sec-fetch-site") not in _OWN_SITES:
        return login_page(visit, "Another site's page sent this.", status=403)
    token = (await visit.form()).get("token", "").strip()
    principal = await visit.service.auth.of_token(token) if token else None
    if principal is None:
        client = visit.request.client
        await visit.service.rates.count_failure(client.host if client else "unknown")
        return login_page(visit, "That is no token of this server.", status=401)
    return _begun(visit, visit.service.auth.sessions.begin(principal))


@pages.action("logout", Needs.READ)
async def log_out(visit: Visit) -> Response:
    """End the session."""
    assert visit.session is not None
    visit.service.auth.sessions.end(visit.session)
    answer = visit.redirect("login")
    answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
    return answer


def login_page(visit: Visit, fault: str = "", *, status: int = 200) -> Response:
    """Return the page for logging in; *fault* says what went wrong."""
    hint = "the one that was printed when the server started" if visit.service.auth.token else "one of this server's"
    return visit.render("login.html", "Log in", status=status, fault=fault, hint=hint)


def _begun(visit: Visit, session: Session) -> Response:
    answer = visit.redirect("")
    answer.headers.append("Set-Cookie", session.cookie(is_secure=visit.request.url.scheme == "https"))
    return answer
