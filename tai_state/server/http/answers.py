"""What a handler answers: JSON with the headers that go with it; and models as JSON, their stored values embedded."""

from collections.abc import Mapping
from typing import Any

import orjson
from pydantic import BaseModel
from starlette.types import Message, Receive, Scope, Send

from tai_state import VectorClock
from tai_state.adapters.problems import CONTENT_TYPE as PROBLEM_TYPE
from tai_state.adapters.problems import Problem
from tai_state.server.http.refusals import NO_HEADERS
from tai_state.values import normalize_data, to_json

JSON_TYPE = "application/json"

_STORED = frozenset({"data", "payload", "from_state", "to_state", "context", "result", "results", "value", "previous"})
"""What the store keeps for its users, of any type; shown in the form that loses nothing."""

_ALWAYS = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))
"""What is stored is nobody's but the caller's, and is what it says that it is."""


class Answer:
    """A response whose body is known; an ASGI application."""

    __slots__ = ("body", "headers", "status")

    def __init__(
        self, status: int, body: bytes = b"", headers: Mapping[str, str] = NO_HEADERS, *, media: str = JSON_TYPE
    ) -> None:
        """Answer with *body*, of the type *media* where there is one."""
        self.status = status
        self.body = body
        self.headers = {**headers, "Content-Type": media} if body else dict(headers)

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Send it; to HEAD without its body, whose length is told all the same."""
        raw = [(name.lower().encode("latin-1"), text.encode("latin-1")) for name, text in self.headers.items()]
        raw.extend(_ALWAYS)
        # What has no body by its status says nothing of its length.
        if self.body or self.status not in {204, 304}:
            raw.append((b"content-length", b"%d" % len(self.body)))
        start: Message = {"type": "http.response.start", "status": self.status, "headers": raw}
        await send(start)
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else self.body})


def told(content: Any, status: int = 200, headers: Mapping[str, str] = NO_HEADERS) -> Answer:
    """Return an answer that tells *content*: models, and what JSON has."""
    return Answer(status, dumped(content), headers)


def problem_answer(problem: Problem, headers: Mapping[str, str] = NO_HEADERS) -> Answer:
    """Return the answer that tells of *problem*."""
    return Answer(int(problem.status), problem.body(), {**problem.headers(), **headers}, media=PROBLEM_TYPE)


def dumped(content: Any) -> bytes:
    """Return *content* as JSON: models by ``shown``, times in ISO 8601."""
    return orjson.dumps(content, default=_plain)


def shown(model: BaseModel) -> dict[str, Any]:
    """Return a public model as ``tai_state.values.record_of`` does, for ``dumped`` alone: in a fraction of the time."""
    return {name: stored(value) if name in _STORED else value for name, value in vars(model).items()}


def stored(value: Any) -> orjson.Fragment:
    """Return what a user stored in the form that ``tai_state.values.from_json`` reads, for ``dumped`` alone."""
    plain = normalize_data(value) if isinstance(value, BaseModel) else value
    return orjson.Fragment(to_json(dict(plain) if isinstance(plain, Mapping) else plain))


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return shown(value)
    if isinstance(value, VectorClock):
        return value.to_dict()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(type(value).__name__)
