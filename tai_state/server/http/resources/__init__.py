"""The resources, a file each; ``ROUTES`` are all there are."""

from tai_state.server.http.resources import (
    changes,
    description,
    events,
    governors,
    health,
    jobs,
    keys,
    locks,
    machines,
    operations,
    sagas,
    snapshots,
    states,
    transitions,
)
from tai_state.server.http.routes import Route

ROUTES: tuple[Route, ...] = tuple(
    route
    for resource in (
        health,
        machines,
        governors,
        states,
        transitions,
        events,
        snapshots,
        keys,
        locks,
        jobs,
        sagas,
        changes,
        operations,
        description,
    )
    for route in resource.resource.routes
)
"""Every operation of the server, in the order in which OpenAPI lists them."""
