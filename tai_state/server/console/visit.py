"""One request for a page, as its handler sees it: who asks, what for, and what is answered."""

import asyncio
import secrets
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlencode

from starlette.requests import Request
from starlette.responses import Response

from tai_state import AsyncStateStore
from tai_state.server.auth.principals import Kind, Principal
from tai_state.server.console.rendering import HEADERS, redirected, rendered
from tai_state.server.http import refusals
from tai_state.server.http.bodies import read_body

if TYPE_CHECKING:
    from tai_state.server.auth.sessions import Session
    from tai_state.server.console.costs import Cost
    from tai_state.server.console.watch import Watch
    from tai_state.server.http.service import Service

FIELDS_MAX = 1_000
NUMBER_DIGITS = 18


class Visit:
    """A request of somebody who may make it.

    Attributes:
        path: The ids of its path, decoded.
        watch: What counts since somebody first looked.
        session: None where the page is for everybody: that for logging in.
        cost: What was read for it so far.
    """

    def __init__(self, service: "Service", watch: "Watch", request: Request) -> None:
        """Answer *request*."""
        self.service = service
        self.watch = watch
        self.request = request
        self.session: Session | None = None
        self.path: Mapping[str, str] = {}
        self.cost: Cost | None = None
        self._began = asyncio.get_running_loop().time()
        self._form: Mapping[str, str] | None = None

    # Who asks

    @property
    def principal(self) -> Principal:
        """Who is in the session."""
        assert self.session is not None
        return self.session.principal

    def reaches(self, kind: Kind, name: str) -> bool:
        """Whether who asks may see what is called *name*."""
        return self.principal.allowed.covers(kind, name)

    def require_all(self, kind: Kind) -> None:
        """Do nothing where who asks may reach all there is of a kind.

        Raises:
            Refusal: He may not.
        """
        if not self.principal.allowed.covers_all(kind):
            raise refusals.forbidden(f"this page shows what is of all {kind}, and your token does not reach all")

    # What is asked

    @property
    def store(self) -> AsyncStateStore:
        """The store that is served."""
        return self.service.store

    @property
    def seconds(self) -> float:
        """How long calls of the store may take yet."""
        passed = asyncio.get_running_loop().time() - self._began
        return max(0.001, self.service.limits.call_seconds - passed)

    def text(self, name: str) -> str | None:
        """Return what the query says under *name*; None: nothing, as a field that was left empty."""
        return self.request.query_params.get(name) or None

    def number(self, name: str, given: str | None = None) -> int | None:
        """Return a number from 1 on that the query says, or that was *given*; None: none is said.

        Raises:
            Refusal: It is none.
        """
        said = self.text(name) if given is None else given
        if said is None:
            return None
        if not (said.isascii() and said.isdecimal() and len(said) <= NUMBER_DIGITS and int(said) > 0):
            raise refusals.wrong(name, "is a number from 1 on")
        return int(said)

    async def form(self) -> Mapping[str, str]:
        """Return the fields of a form, read once; of one that comes twice the last."""
        if self._form is None:
            raw = await read_body(self.request.receive, self.request.headers, self.service.limits)
            try:
                # Strict: nothing is stored in place of what is no text.
                said = parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=FIELDS_MAX, errors="strict")
                self._form = dict(said)
            except ValueError:
                self._form = {}
        return self._form

    # What is answered

    def link(self, *parts: str, **query: Any) -> str:
        """Return the path of a page, its parts encoded, with the prefix that all of this is mounted under."""
        encoded = "/".join(quote(part, safe="") for part in parts)
        said = {name: value for name, value in query.items() if value is not None}
        behind = f"?{urlencode(said)}" if said else ""
        return f"{quote(self.request.scope.get('root_path', ''))}/console/{encoded}{behind}"

    def render(self, template: str, title: str, *, status: int = 200, **values: Any) -> Response:
        """Return a page: *template* with *values*, and what it cost until now."""
        return rendered(
            template,
            status,
            title=title,
            link=self.link,
            here=partial(self.link, *(part for name in ("governor", "state") for part in self._parts(name))),
            session=self.session,
            may_write=self.session is not None and self.principal.may_write,
            cost=None if self.cost is None else self.cost.documents,
            once=secrets.token_urlsafe,
            **values,
        )

    def _parts(self, name: str) -> tuple[str, ...]:
        return (f"{name}s", self.path[name]) if name in self.path else ()

    def redirect(self, *parts: str, **query: Any) -> Response:
        """Return what leads on to another page, by GET."""
        return redirected(self.link(*parts, **query))

    def headers(self) -> dict[str, str]:
        """Return the headers of what is no page, and what it cost."""
        assert self.cost is not None
        return {**HEADERS, "X-Documents-Read": str(self.cost.documents)}
