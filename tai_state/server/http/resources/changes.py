"""``/v1/changes``: what has changed, as Server-Sent Events, without a gap and from where one was."""

import contextlib
import logging
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.types import Receive, Scope, Send

from tai_state import ConfigurationError, StoreClosedError, TaiStateError
from tai_state.server.auth.principals import Kind
from tai_state.server.http import refusals
from tai_state.server.http.answers import dumped
from tai_state.server.http.calls import Call
from tai_state.server.http.endings import ending, until
from tai_state.server.http.resources.states import STATE
from tai_state.server.http.routes import Behind, Query, Resource, Said

if TYPE_CHECKING:
    from tai_state.server.http.service import Service

resource = Resource("changes")

PING_SECONDS = 15.0
SEND_SECONDS = 30.0
"""How long one that reads nothing holds up its stream before it ends."""

PAGE = 200
LAST_EVENT_ID = "Last-Event-ID"
STREAM = "text/event-stream"

log = logging.getLogger("tai_state.server")
# It writes what is sent at DEBUG, and data belongs in no log.
logging.getLogger("sse_starlette").setLevel(logging.INFO)


class Counted:
    """A stream that is one of those that there may be, from when it was let in until it ends; an ASGI application."""

    def __init__(self, service: "Service", stream: EventSourceResponse) -> None:
        """Count *stream*; whoever makes this lets it run.

        Raises:
            Refusal: There are as many as there may be.
        """
        service.begin_stream()
        self._service = service
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream; to HEAD, tell what would be."""
        try:
            if scope["method"] == "HEAD":
                headers = [(b"content-type", STREAM.encode()), (b"cache-control", b"no-store")]
                await send({"type": "http.response.start", "status": 200, "headers": headers})
                await send({"type": "http.response.body", "body": b""})
                return
            await self._stream(scope, receive, send)
        finally:
            self._service.end_stream()


class Changes(Query):
    """From where on changes are wanted, and of what."""

    after: Behind | Literal["end"] = Field(
        0, description='Behind this position; "end": those that come. Last-Event-ID goes first.'
    )
    governor: str | None = Field(None, description="Only those of this governor.")


@resource.route(
    "GET",
    "/v1/changes",
    Said(200, "A stream of events called change; their ids are positions.", str, media=STREAM),
    query=Changes,
    headers=(LAST_EVENT_ID,),
)
async def follow_changes(call: Call) -> Counted:
    """Follow what changes in the store, in the order of its positions, those that the token reaches.

    Every change has one position, 1, 2, 3, ..., for good; whoever was cut off goes on behind the last one that he saw.
    Changes of keys and sagas have none.
    """
    query, numbering = call.query(Changes), call.service.numbering
    if query.governor is not None:
        call.require(Kind.GOVERNORS, query.governor)
    call.service.check_stream()
    try:
        await numbering.begin()
    except ConfigurationError as error:
        raise refusals.no_feed() from error
    given = _last_id(call)
    after = given if given is not None else query.after
    return _stream(call, _changes(call, await numbering.positions.last() if after == "end" else after, query.governor))


async def _changes(call: Call, after: int, governor: str | None) -> AsyncIterator[ServerSentEvent]:
    numbering, allowed = call.service.numbering, call.principal.allowed
    with numbering.following():
        while await numbering.behind(after):
            is_told = True
            async with ending(numbering.positions.events(after=after, limit=PAGE)) as page:
                async for one in page:
                    after = one.position
                    is_told = governor in {None, one.governor_id} and allowed.covers(Kind.GOVERNORS, one.governor_id)
                    if is_told:
                        yield _event(one.position, one._asdict())
            if not is_told:
                # Without data it is no event, and yet the place from which to go on.
                yield ServerSentEvent(id=str(after))


class OfState(Query):
    """From where on changes of a state are wanted."""

    after: Behind = Field(0, description="Behind this version; Last-Event-ID goes first.")


@resource.route(
    "GET",
    STATE + "/changes",
    Said(200, "A stream of events called change; their ids are versions.", str, media=STREAM),
    query=OfState,
    headers=(LAST_EVENT_ID,),
)
async def follow_state(call: Call) -> Counted:
    """Follow a state: its events behind a version, then those that come; one that never was is waited for."""
    query = call.query(OfState)
    call.service.check_stream()
    given = _last_id(call)
    return _stream(call, _of_state(call, query.after if given is None else given))


async def _of_state(call: Call, after: int) -> AsyncIterator[ServerSentEvent]:
    found = call.service.store.follow(call.path["governor"], call.path["state"], after=after)
    async with ending(found) as events:
        async for event in events:
            yield _event(event.version, event)


def _event(number: int, content: object) -> ServerSentEvent:
    return ServerSentEvent(dumped(content).decode(), event="change", id=str(number))


def _last_id(call: Call) -> int | None:
    """Return the position or version that the caller saw last.

    Raises:
        Refusal: It is none.
    """
    header = call.header(LAST_EVENT_ID)
    if header is None or not header:
        return None
    if not (header.isascii() and header.isdecimal() and len(header) < 19):  # noqa: PLR2004 - of a 64-bit number
        raise refusals.bad_header(f"{LAST_EVENT_ID} is the id of an event of this stream")
    return int(header)


def _stream(call: Call, events: AsyncIterator[ServerSentEvent]) -> Counted:
    async def told() -> AsyncIterator[ServerSentEvent]:
        # Whoever is cut off comes back, and is told then what is wrong.
        with contextlib.suppress(StoreClosedError):
            try:
                async with ending(until(call.service.serving.ending, events)) as following:
                    async for event in following:
                        yield event
            except TaiStateError as error:
                log.info("a stream of changes ends: %s", error.code, extra={"event": "stream_ended"})

    headers = {"X-Content-Type-Options": "nosniff"}
    stream = EventSourceResponse(told(), headers=headers, ping=PING_SECONDS, send_timeout=SEND_SECONDS)
    return Counted(call.service, stream)
