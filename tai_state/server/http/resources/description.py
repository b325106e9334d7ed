"""``/openapi.json``: what all of this is, for programs; with a token, as all else."""

from functools import cache
from typing import Any

from tai_state.server.http.answers import Answer
from tai_state.server.http.calls import Call
from tai_state.server.http.routes import Resource, Said

resource = Resource("description")


@resource.route("GET", "/openapi.json", Said(200, "The document.", dict[str, Any]))
async def openapi(_: Call) -> Answer:
    """Return this description of the server, in OpenAPI 3.1."""
    return Answer(200, _text())


@cache
def _text() -> bytes:
    # Imported here: who is never asked describes nothing.
    from tai_state.server.http.openapi import text_of  # noqa: PLC0415
    from tai_state.server.http.resources import ROUTES  # noqa: PLC0415

    return text_of(ROUTES).encode()
