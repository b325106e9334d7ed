"""The pages there are, each declared once, with what somebody needs who asks for it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from starlette.responses import Response

from tai_state.server.console.visit import Visit
from tai_state.server.http.routes import Needs

Handler = Callable[[Visit], Awaitable[Response]]

PREFIX = "console"


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """One page, or what one of its forms does.

    Attributes:
        path: Below the application, its parameters in braces.
        needs: WRITE refuses the session of somebody who only reads.
    """

    method: str
    path: str
    handler: Handler
    needs: Needs


@dataclass(slots=True)
class Pages:
    """The pages of one subject, as their handlers are declared."""

    pages: list[Page] = field(default_factory=list)

    def page(self, path: str) -> Callable[[Handler], Handler]:
        """Return what declares a page."""
        return self._declare("GET", path, Needs.READ)

    def action(self, path: str, needs: Needs = Needs.WRITE) -> Callable[[Handler], Handler]:
        """Return what declares what a form does."""
        return self._declare("POST", path, needs)

    def _declare(self, method: str, path: str, needs: Needs) -> Callable[[Handler], Handler]:
        def declare(handler: Handler) -> Handler:
            self.pages.append(Page(method, f"/{PREFIX}/{path}", handler, needs))
            return handler

        return declare
