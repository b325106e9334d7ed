"""Pages as HTML: what is put into them is escaped, and what they may load is said."""

import json
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse, Response

from tai_state.server.auth.sessions import CSRF_FIELD
from tai_state.values import normalize_data, to_json

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

SHOWN_MAX = 20_000
"""How many characters of a value a page shows unless all of it is asked for."""

SHORT_MAX = 200
"""How many characters of a value a line of a table bears."""

_CHARACTER_BYTES = 4
"""What a character takes at most in UTF-8."""

_HIDDEN = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn"})
_EMOJI_PARTS = frozenset("\u200d")
"""Of what is not seen, what only joins the parts of one sign."""


def plain(text: object, *, is_block: bool = False) -> str:
    r"""Return a text with what nobody sees written out: ``\u{202e}`` would turn around what follows it.

    Args:
        is_block: Whether it may have lines.
    """
    said = str(text)
    # What is hidden is not printable: nearly every text is told to be sound by that, at once.
    if (said.replace("\n", "") if is_block else said).isprintable():
        return said
    return "".join(
        one
        if one in _EMOJI_PARTS or (is_block and one == "\n") or unicodedata.category(one) not in _HIDDEN
        else f"\\u{{{ord(one):x}}}"
        for one in said
    )


def json_text(value: Any) -> str:
    """Return a stored value as the JSON that the store reads back, with what nobody sees written as its escapes."""
    text = to_json(value).decode()
    if text.isprintable():
        return text
    return "".join(one if unicodedata.category(one) not in _HIDDEN else json.dumps(one).strip('"') for one in text)


def pretty(value: Any) -> str:
    """Return a stored value as JSON in lines, as the store keeps it; for ``lines``, as much of it as is shown."""
    stored = normalize_data(value) if hasattr(value, "model_dump") else value
    text = to_json(dict(stored) if isinstance(stored, Mapping) else stored)
    # Python's own encoder takes a second for the largest state, and nobody else is served meanwhile.
    return orjson.dumps(orjson.loads(text), option=orjson.OPT_INDENT_2).decode()


def lines(text: str) -> str:
    """Return lines of text with what nobody sees written out."""
    return plain(text, is_block=True)


def short(value: Any) -> str:
    """Return a stored value as JSON in one line, not all of it where it is long."""
    raw = to_json(value)
    if len(raw) > SHORT_MAX * _CHARACTER_BYTES:
        # Cut before it is looked at: a list may have as many as it likes of the largest values.
        return plain(raw[: SHORT_MAX * _CHARACTER_BYTES].decode(errors="ignore")[:SHORT_MAX]) + "…"
    text = json.dumps(json.loads(raw), ensure_ascii=False)
    return plain(text) if len(text) <= SHORT_MAX else plain(text[:SHORT_MAX]) + "…"


def carried(text: str) -> str:
    """Return an id as a hidden field carries it: a browser would make two of the end of a line."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def brought(text: str) -> str:
    """Return the id that a hidden field carried."""
    return text.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%")


def moment(time: datetime) -> str:
    """Return a time as people read it, in UTC."""
    return f"{time:%Y-%m-%d %H:%M:%S}"


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {
        "carried": carried,
        "plain": plain,
        "lines": lines,
        "pretty": pretty,
        "short": short,
        "moment": moment,
    }
    made.globals |= {"CSRF_FIELD": CSRF_FIELD, "SHOWN_MAX": SHOWN_MAX}
    return made


def rendered(template: str, status: int, **values: Any) -> Response:
    """Return the page that *template* makes of *values*."""
    return HTMLResponse(_environment().get_template(template).render(values), status, dict(HEADERS))


def redirected(path: str) -> Response:
    """Return what leads on to *path*, by GET."""
    return RedirectResponse(path, 303, dict(HEADERS))
