"""``.../snapshots``: what is kept of a state beside its events."""

from typing import Any

from tai_state import StateSnapshot
from tai_state.server.http.answers import Answer, told
from tai_state.server.http.calls import Call
from tai_state.server.http.resources.states import STATE
from tai_state.server.http.routes import Resource, Said
from tai_state.server.http.shapes import Items

resource = Resource("snapshots")


@resource.route("GET", STATE + "/snapshots", Said(200, "All that are kept.", Items[StateSnapshot[Any]]))
async def list_snapshots(call: Call) -> Answer:
    """List the snapshots that are kept of a state, the oldest first."""
    found = call.service.plain.list_snapshots(call.path["governor"], call.path["state"], timeout=call.seconds)
    return told({"items": [snapshot async for snapshot in found]})


@resource.route(
    "POST", STATE + "/snapshots", Said(201, "The snapshot.", StateSnapshot[Any], ("ETag",)), problems=(404,)
)
async def create_snapshot(call: Call) -> Answer:
    """Keep a snapshot of a state as it is now; its version stays."""
    snapshot = await call.service.plain.create_snapshot(call.path["governor"], call.path["state"], timeout=call.seconds)
    return told(snapshot, 201, call.version_headers(snapshot.version))


@resource.route(
    "GET", STATE + "/snapshots/{version}", Said(200, "The snapshot.", StateSnapshot[Any], ("ETag",)), problems=(404,)
)
async def get_snapshot(call: Call) -> Answer:
    """Return the snapshot of a version; a rollback to that version restores it."""
    version = call.path_version()
    snapshot = await call.service.plain.get_snapshot(
        call.path["governor"], call.path["state"], version, timeout=call.seconds
    )
    return told(snapshot, headers=call.version_headers(snapshot.version))
