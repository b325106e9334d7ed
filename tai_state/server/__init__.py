"""The server: a store over HTTP, for other languages and for people, with the guarantees of the library.

``app(store, machines=[...], auth=...)`` is an ASGI application over one async store: behind ``tai-state serve``, behind
any ASGI server, or mounted in an application of one's own. It uses the public API alone, and knows no backend.

The rooms: ``auth`` says who asks and what he may do; ``http`` is the routes below ``/v1``, each declared once, in one
table from which requests are routed and ``openapi.json`` is written. What an ``ETag`` is, an ``Idempotency-Key``, a
problem: HTTP's own words mean what the library means by version, key and error.

It stands on Starlette and not on FastAPI: what FastAPI does for each request took 435 us where Starlette took 33, and
the table here 5, of a move that takes the library some 200. Both are kept up well; FastAPI stands on Starlette itself.
Requests are routed here and not by Starlette, since it routes by the decoded path, in which an id with a slash is two.
"""

from typing import TYPE_CHECKING

from tai_state.late import late_names

if TYPE_CHECKING:
    from tai_state.server.application import Server, app
    from tai_state.server.auth.authentication import Auth
    from tai_state.server.auth.files import auth_from_file
    from tai_state.server.auth.identities import Identities
    from tai_state.server.auth.principals import Access, Allowed, Principal
    from tai_state.server.auth.tokens import Token, hash_token, new_token
    from tai_state.server.settings import Limits

HOMES: dict[str, tuple[str, ...]] = {
    "tai_state.server.application": ("Server", "app"),
    "tai_state.server.auth.authentication": ("Auth",),
    "tai_state.server.auth.files": ("auth_from_file",),
    "tai_state.server.auth.identities": ("Identities",),
    "tai_state.server.auth.principals": ("Access", "Allowed", "Principal"),
    "tai_state.server.auth.tokens": ("Token", "hash_token", "new_token"),
    "tai_state.server.settings": ("Limits",),
}
"""The names that each module defines: who asks for a token alone waits for no framework."""

__all__ = [
    "Access",
    "Allowed",
    "Auth",
    "Identities",
    "Limits",
    "Principal",
    "Server",
    "Token",
    "app",
    "auth_from_file",
    "hash_token",
    "new_token",
]

if not TYPE_CHECKING:  # A type checker would take it for a promise of any name.
    __getattr__ = late_names(__name__, HOMES)

    def __dir__() -> list[str]:
        """List what has not been imported yet, too."""
        return sorted({*globals(), *__all__})
