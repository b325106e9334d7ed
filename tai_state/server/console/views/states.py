"""One state: where it stands on its machine's diagram, its data, who made it so and why, and what it waits for."""

from typing import Any

from starlette.responses import Response

from tai_state import CorruptLogError, LockInfo, StateNotFoundError, StateSnapshot
from tai_state.server.auth.principals import Kind
from tai_state.server.console.drawing import drawn
from tai_state.server.console.moves import machine_of, moves_of
from tai_state.server.console.routes import Pages
from tai_state.server.console.views.listed import timeline
from tai_state.server.console.visit import Visit

EVENTS_SHOWN = 8
DEPENDENTS_SHOWN = 50
LOOK_SECONDS = 3
"""How often a page asks whether its state has changed: one document each time."""

pages = Pages()


@pages.page("governors/{governor}/states/{state}")
async def show_state(visit: Visit) -> Response:
    """Show a state; of one that is deleted what is left, and of one that cannot be read what is to be done."""
    governor, state = visit.path["governor"], visit.path["state"]
    read = await visit.store.batch_get_states(governor, [state], include_deleted=True, timeout=visit.seconds)
    if state in read.missing:
        raise StateNotFoundError(governor, state)
    snapshot = read.found.get(state)
    machine = None if snapshot is None else machine_of(visit, snapshot)
    return visit.render(
        "state.html",
        state,
        status=200 if snapshot is not None else 500,
        governor=governor,
        state=state,
        snapshot=snapshot,
        machine=machine,
        moves=[] if snapshot is None or machine is None else moves_of(machine, snapshot.status),
        drawing=None if machine is None or snapshot is None else drawn(machine, snapshot.status),
        lock=await _lock_of(visit, governor, state),
        dependents=await _dependents_of(visit, governor, state),
        dependents_shown=DEPENDENTS_SHOWN,
        events=await timeline(visit, governor, state, EVENTS_SHOWN),
        is_whole=visit.text("whole") is not None,
        look_seconds=LOOK_SECONDS,
        done=visit.text("done"),
        nav="governors",
    )


@pages.page("governors/{governor}/states/{state}/version")
async def show_version_number(visit: Visit) -> Response:
    """Tell which version a state is at, by one document: what a page asks that shows it."""
    governor, state = visit.path["governor"], visit.path["state"]
    read = await visit.store.batch_get_states(governor, [state], include_deleted=True, timeout=visit.seconds)
    snapshot = read.found.get(state)
    version = "" if snapshot is None else str(snapshot.version)
    return Response(version, headers=visit.headers(), media_type="text/plain")


async def _dependents_of(visit: Visit, governor: str, state: str) -> list[StateSnapshot[Any]]:
    """Return the states that may react to the moves of one, at most one more than are shown; of a lost one, none."""
    try:
        read = await visit.store.dependents_of(governor, state, limit=DEPENDENTS_SHOWN + 1, timeout=visit.seconds)
    except CorruptLogError:
        return []
    return list(read.found.values())


async def _lock_of(visit: Visit, governor: str, state: str) -> LockInfo | None:
    """Return the lock that is called as a state is, ``GOVERNOR/STATE``; None where nobody has it."""
    resource = f"{governor}/{state}"
    if not visit.reaches(Kind.LOCKS, resource):
        return None
    lock = await visit.service.locks.inspect(resource, timeout=visit.seconds)
    return lock if lock is not None and lock.held else None
