"""Governors with how many states each has, and the states of one of them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import Response

from tai_state import StateSnapshot
from tai_state.server.auth.principals import Kind
from tai_state.server.console.routes import Pages
from tai_state.server.console.views.listed import listed
from tai_state.server.console.visit import Visit
from tai_state.server.http import refusals

GOVERNORS_SHOWN = 25
GOVERNORS_LOOKED_AT = 10_000
"""How many one page looks at, where a token reaches few of them."""

GOVERNORS_AT_ONCE = 500

STATES_SHOWN = 50
STATUSES_COUNTED = 20

pages = Pages()


@pages.page("")
async def show_governors(visit: Visit) -> Response:
    """Show the governors that who asks reaches, and how many states each has, as the engine counts them."""
    wanted = visit.text("governor")
    if wanted is not None:
        return visit.redirect("governors", wanted)
    found = await listed(_reached(visit), GOVERNORS_SHOWN)
    counts = await asyncio.gather(*(visit.store.count(governor_id=one, timeout=visit.seconds) for one in found.items))
    return visit.render(
        "governors.html", "Governors", found=found, rows=list(zip(found.items, counts, strict=True)), nav="governors"
    )


async def _reached(visit: Visit) -> AsyncIterator[str]:
    """Iterate over the governors that who asks reaches: as many as a page shows, and one more."""
    reaches_all = visit.principal.allowed.covers_all(Kind.GOVERNORS)
    most = GOVERNORS_SHOWN + 1 if reaches_all else GOVERNORS_LOOKED_AT
    after, given, looked_at = visit.text("after"), 0, 0
    while given <= GOVERNORS_SHOWN and looked_at < most:
        size = min(most - looked_at, GOVERNORS_AT_ONCE)
        found = [one async for one in visit.store.list_governors(after=after, limit=size, timeout=visit.seconds)]
        for one in found:
            if given <= GOVERNORS_SHOWN and visit.reaches(Kind.GOVERNORS, one):
                given += 1
                yield one
        if len(found) < size:
            return
        after, looked_at = found[-1], looked_at + size


@pages.page("governors/{governor}")
async def show_states(visit: Visit) -> Response:
    """Show states of a governor: of a status, of a prefix or of a label, page by page."""
    governor, after = visit.path["governor"], visit.text("after")
    asked = {name: visit.text(name) for name in ("status", "prefix", "label", "deleted")}
    found = await listed(_found(visit, governor, after, asked), STATES_SHOWN)
    counts: list[tuple[str | None, int]] = []
    # The other pages of a list need not count anew.
    if after is None:
        counts = await _counted(visit, governor)
    return visit.render(
        "states.html",
        governor,
        governor=governor,
        found=found,
        asked=asked,
        after=after,
        counts=counts,
        statuses=_statuses(visit),
        nav="governors",
    )


def _found(
    visit: Visit, governor: str, after: str | None, asked: dict[str, str | None]
) -> AsyncIterator[StateSnapshot[Any]]:
    label = asked["label"]
    if label is None:
        return visit.store.list_states(
            governor,
            status=asked["status"],
            prefix=asked["prefix"],
            after=after,
            limit=STATES_SHOWN + 1,
            include_deleted=asked["deleted"] is not None,
            timeout=visit.seconds,
        )
    name, equals, value = label.partition("=")
    if not (name and equals) or asked["prefix"] or asked["deleted"]:
        raise refusals.wrong("label", "is NAME=VALUE, and goes with a status alone")
    return visit.store.find(
        labels={name: value},
        status=asked["status"],
        governor_id=governor,
        after=None if after is None else (governor, after),
        limit=STATES_SHOWN + 1,
        timeout=visit.seconds,
    )


async def _counted(visit: Visit, governor: str) -> list[tuple[str | None, int]]:
    """Return how many states are in each status that a machine here knows; of None: in all."""
    statuses: list[str | None] = [None, *_statuses(visit)[:STATUSES_COUNTED]]
    counts = await asyncio.gather(
        *(visit.store.count(governor_id=governor, status=one, timeout=visit.seconds) for one in statuses)
    )
    return [(one, count) for one, count in zip(statuses, counts, strict=True) if one is None or count]


def _statuses(visit: Visit) -> list[str]:
    """Return the statuses of all machines of this server, each once."""
    persisters = visit.service.persisters.values()
    return list(dict.fromkeys(status for one in persisters for status in one.require_machine().statuses))
