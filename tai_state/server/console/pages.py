"""Pages as HTML: what is put into them is escaped, and what they may load is said."""

from collections.abc import Mapping
from html import escape

from starlette.responses import HTMLResponse, RedirectResponse, Response

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""The Content-Security-Policy of every page: nothing from other hosts, nothing inline."""

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    # The link that logs in holds a code.
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def page(title: str, body: str, *, status: int = 200) -> Response:
    """Return a page; *title* is escaped here, *body* is HTML whose values were."""
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} · tai_state</title></head><body><main>{body}</main></body></html>"
    )
    return HTMLResponse(text, status, dict(HEADERS))


def redirected(path: str) -> Response:
    """Return what leads on to *path*, by GET."""
    return RedirectResponse(path, 303, dict(HEADERS))
