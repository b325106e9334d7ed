"""``/v1/governors``: which there are, and what one of them holds."""

from typing import Literal

from pydantic import Field

from tai_state import StoreStats
from tai_state.server.auth.principals import Kind
from tai_state.server.http.answers import Answer, told
from tai_state.server.http.calls import Call
from tai_state.server.http.endings import ending
from tai_state.server.http.paging import After, size_of
from tai_state.server.http.routes import Query, Resource, Said
from tai_state.server.http.shapes import Counted, Governor, Items

resource = Resource("governors")

LOOKED_AT_MAX = 10_000
"""How many governors one page looks at, where a token reaches few of them."""


class Governors(After):
    """Which governors are wanted."""

    kind: Literal["keys", "sagas"] | None = Field(None, description="Groups of keys, or sagas, in their place.")


@resource.route("GET", "/v1/governors", Said(200, "A page of them.", Items[Governor], ("Link",)), query=Governors)
async def list_governors(call: Call) -> Answer:
    """List the governors that ever had a state, ascending by stored id: those that the token reaches."""
    query = call.query(Governors)
    size = size_of(call, query)
    kind = Kind.KEYS if query.kind == "keys" else Kind.GOVERNORS
    found = call.service.store.list_governors(
        kind=query.kind, after=query.after, limit=LOOKED_AT_MAX, timeout=call.seconds
    )
    names: list[str] = []
    seen, last = 0, ""
    async with ending(found) as governors:
        async for one in governors:
            # One of the package's own tells its name, and is told by it.
            seen, last = seen + 1, getattr(one, "name", one)
            if call.principal.allowed.covers(kind, last):
                names.append(last)
            if len(names) > size:
                break
    headers = {}
    if len(names) > size:
        del names[size:]
        headers = call.next_page(after=names[-1])
    elif seen == LOOKED_AT_MAX:
        headers = call.next_page(after=last)
    return told({"items": [{"governor_id": name} for name in names]}, headers=headers)


class OfStatus(Query):
    """Which states are counted."""

    status: str | None = Field(None, description="Only those in this status.")
    machine: str | None = Field(None, description="Only those that this machine moved last; they are read then.")


@resource.route("GET", "/v1/governors/{governor}", Said(200, "The count.", Counted), query=OfStatus)
async def count_states(call: Call) -> Answer:
    """Count a governor's states that are not deleted, as the engine counts, without a read of each."""
    query, governor = call.query(OfStatus), call.path["governor"]
    count = await call.service.store.count(
        governor_id=governor, status=query.status, machine=query.machine, timeout=call.seconds
    )
    return told({"governor_id": governor, "states": count})


@resource.route("GET", "/v1/governors/{governor}/stats", Said(200, "What it holds.", StoreStats))
async def governor_stats(call: Call) -> Answer:
    """Count and measure what a governor holds; reads every state document of it."""
    return told(await call.service.store.stats(call.path["governor"], timeout=call.seconds))
