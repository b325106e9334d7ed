"""``.../events``: what a state went through, and what happened in a governor."""

from typing import Any

from pydantic import Field

from tai_state import Event, StateNotFoundError
from tai_state.server.http import refusals
from tai_state.server.http.answers import Answer, told
from tai_state.server.http.calls import Call
from tai_state.server.http.endings import ending
from tai_state.server.http.paging import Page, paged, size_of
from tai_state.server.http.resources.states import STATE
from tai_state.server.http.routes import Behind, Moment, Resource, Said, Version
from tai_state.server.http.shapes import Items

resource = Resource("events")


class Events(Page):
    """Which events of a state are wanted."""

    after: Behind = Field(0, description="Behind this version; of descending ones, above it.")
    until: Version | None = Field(None, description="Up to this version.")
    descending: bool = Field(default=False, description="The newest first.")


@resource.route(
    "GET",
    STATE + "/events",
    Said(200, "A page of them.", Items[Event[Any]], ("Link",)),
    query=Events,
    problems=(404, 410),
)
async def list_events(call: Call) -> Answer:
    """List a state's events in the order of their versions."""
    query, governor, state = call.query(Events), call.path["governor"], call.path["state"]
    size = size_of(call, query)
    found = call.service.store.get_events(
        governor,
        state,
        after=query.after,
        until=query.until,
        limit=size + 1,
        descending=query.descending,
        timeout=call.seconds,
    )

    def behind(last: Event[Any]) -> dict[str, int]:
        return {"until": last.version - 1} if query.descending else {"after": last.version}

    return await paged(call, found, size, show=lambda event: event, behind=behind)


@resource.route("GET", STATE + "/events/{version}", Said(200, "The event.", Event[Any], ("ETag",)), problems=(404, 410))
async def get_event(call: Call) -> Answer:
    """Return the event that made a version of a state."""
    governor, state, version = call.path["governor"], call.path["state"], call.path_version()
    found = call.service.store.get_events(governor, state, after=version - 1, until=version, timeout=call.seconds)
    async with ending(found) as events:
        async for event in events:
            return told(event, headers=call.version_headers(event.version))
    if await call.service.store.exists(governor, state, timeout=call.seconds):
        raise refusals.no_such("event")
    raise StateNotFoundError(governor, state)


class Happened(Page):
    """Which events of a governor are wanted."""

    since: Moment | None = Field(None, description="Not before this time, with an offset.")
    until: Moment | None = Field(None, description="Not after this time, with an offset.")
    action: str | None = Field(None, description="Only of this action.")
    changed_by: str | None = Field(None, description="Only of this author.")
    after_time: Moment | None = Field(None, description="With the two others: begin behind this event.")
    after_state: str | None = None
    after_version: Version | None = None


@resource.route(
    "GET",
    "/v1/governors/{governor}/events",
    Said(200, "A page of them.", Items[Event[Any]], ("Link",)),
    query=Happened,
)
async def find_events(call: Call) -> Answer:
    """Find the events of all states of a governor, ascending by their time."""
    query = call.query(Happened)
    size = size_of(call, query)
    given = (query.after_time, query.after_state, query.after_version)
    if None in given and given != (None, None, None):
        raise refusals.wrong("after_time", "goes with after_state and after_version")
    found = call.service.store.find_events(
        call.path["governor"],
        since=query.since,
        until=query.until,
        action=query.action,
        changed_by=query.changed_by,
        after=None if None in given else given,  # type: ignore[arg-type]  # none of the three is None
        limit=size + 1,
        timeout=call.seconds,
    )

    def behind(last: Event[Any]) -> dict[str, Any]:
        return {
            "after_time": last.timestamp.isoformat(),
            "after_state": last.state_id,
            "after_version": last.version,
        }

    return await paged(call, found, size, show=lambda event: event, behind=behind)
