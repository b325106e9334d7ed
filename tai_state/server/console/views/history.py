"""What a state went through: its timeline, any version of it, what lies between two, and whether the chain holds."""

from datetime import datetime
from typing import Any

from starlette.responses import Response

from tai_state import Event, StateNotFoundError, StateSnapshot, async_verify
from tai_state.server.console.routes import Pages
from tai_state.server.console.views.listed import timeline
from tai_state.server.console.visit import Visit
from tai_state.server.http import refusals
from tai_state.values import differences

EVENTS_SHOWN = 25

pages = Pages()
_STATE = "governors/{governor}/states/{state}"


@pages.page(_STATE + "/history")
async def show_history(visit: Visit) -> Response:
    """Show the changes of a state, the newest first, page by page."""
    governor, state, until = visit.path["governor"], visit.path["state"], visit.number("until")
    events = await timeline(visit, governor, state, EVENTS_SHOWN, until=until)
    if not events.items and not events.damage and until is None:
        raise StateNotFoundError(governor, state)
    return visit.render(
        "history.html",
        f"History of {state}",
        governor=governor,
        state=state,
        events=events,
        until=until,
        nav="governors",
    )


@pages.page(_STATE + "/at")
async def show_at(visit: Visit) -> Response:
    """Lead to the version that a form asks for: by its number, or by a time, which is looked for by halves."""
    governor, state = visit.path["governor"], visit.path["state"]
    version, time = visit.number("version"), visit.text("time")
    if version is None:
        if time is None:
            raise refusals.wrong("version", "say a version, or a time")
        version = await _version_at(visit, governor, state, _time(time))
    return visit.redirect("governors", governor, "states", state, "versions", str(version))


@pages.page(_STATE + "/versions/{version}")
async def show_version(visit: Visit) -> Response:
    """Show a state as it was at a version, and the change that made it."""
    governor, state = visit.path["governor"], visit.path["state"]
    version = visit.number("version", visit.path["version"])
    assert version is not None
    made = await _at(visit, governor, state, version)
    return visit.render(
        "version.html",
        f"{state} at version {version}",
        governor=governor,
        state=state,
        version=version,
        made=made,
        content=content_of(made),
        is_whole=visit.text("whole") is not None,
        nav="governors",
    )


@pages.page(_STATE + "/diff")
async def show_differences(visit: Visit) -> Response:
    """Show what lies between two versions of a state, path by path."""
    governor, state = visit.path["governor"], visit.path["state"]
    first, second = visit.number("from"), visit.number("to")
    if first is None or second is None:
        raise refusals.wrong("from", "say two versions")
    old = await _at(visit, governor, state, first)
    new = await _at(visit, governor, state, second)
    return visit.render(
        "diff.html",
        f"{state}: {first} to {second}",
        governor=governor,
        state=state,
        sides=(old, new),
        found=differences(content_of(old), content_of(new)),
        nav="governors",
    )


@pages.page(_STATE + "/verify")
async def show_check(visit: Visit) -> Response:
    """Hold a state against its events, each of which must follow from the one before; tell where it does not."""
    governor, state = visit.path["governor"], visit.path["state"]
    reports = [one async for one in async_verify(visit.store, governor, state, timeout=visit.seconds)]
    return visit.render(
        "verify.html", f"Check of {state}", governor=governor, state=state, reports=reports, nav="governors"
    )


def content_of(made: Event[Any] | StateSnapshot[Any]) -> dict[str, Any]:
    """Return what a version holds, as its event or a snapshot tells."""
    is_event = isinstance(made, Event)
    return {
        "status": made.to_status if is_event else made.status,  # type: ignore[union-attr]  # as is_event tells
        "data": made.to_state if is_event else made.data,  # type: ignore[union-attr]
        "deleted": made.deleted,
        "last_error": made.last_error,
        "machine": None if made.machine_name is None else f"{made.machine_name}@{made.machine_version}",
        "labels": dict(made.labels),
        "depends_on": list(made.depends_on),
    }


async def _at(visit: Visit, governor: str, state: str, version: int) -> Event[Any] | StateSnapshot[Any]:
    """Return what tells of a state at *version*: the event that made it, or what the whole log folds to.

    Raises:
        StateNotFoundError, VersionNotFoundError: There was none.
        HistoryTrimmedError, CorruptLogError: Nothing tells of it any more.
    """
    async for event in visit.store.get_events(
        governor, state, after=version - 1, until=version, limit=1, timeout=visit.seconds
    ):
        return event
    return await visit.service.plain.replay(governor, state, until_version=version, timeout=visit.seconds)


async def _version_at(visit: Visit, governor: str, state: str, time: datetime) -> int:
    """Return the last version that was made at *time* or before: times never fall within a state.

    Raises:
        StateNotFoundError: There was none yet.
    """
    read = await visit.store.batch_get_states(governor, [state], include_deleted=True, timeout=visit.seconds)
    if state not in read.found:
        raise StateNotFoundError(governor, state)
    # The version wanted is in [low, high], where 0 stands for none.
    low, high = 0, read.found[state].version
    while low < high:
        middle = (low + high + 1) // 2
        if (await _at(visit, governor, state, middle)).timestamp <= time:
            low = middle
        else:
            high = middle - 1
    if not low:
        raise StateNotFoundError(governor, state)
    return low


def _time(text: str) -> datetime:
    """Return a time that was typed; one without an offset would mean another one to everybody.

    Raises:
        Refusal: It is none.
    """
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise refusals.wrong("time", "is a time with its offset, such as 2026-05-01T09:30:00Z")
    return time
