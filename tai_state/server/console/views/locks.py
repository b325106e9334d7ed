"""Locks: who has which, since when and until when; and how one is broken."""

from collections.abc import AsyncIterator

from starlette.responses import Response

from tai_state import LockInfo
from tai_state.server.auth.principals import Kind
from tai_state.server.console.routes import Pages
from tai_state.server.console.views.actions import reason_of
from tai_state.server.console.views.listed import listed
from tai_state.server.console.visit import Visit
from tai_state.server.http import refusals
from tai_state.server.http.endings import ending

LOCKS_SHOWN = 100

pages = Pages()


@pages.page("locks")
async def show_locks(visit: Visit) -> Response:
    """Show the locks that are held, those that who asks reaches; free ones are read on the way and left out."""
    wanted = visit.text("resource")
    if wanted is not None:
        return visit.redirect("locks", wanted)
    found = await listed(_held(visit), LOCKS_SHOWN)
    return visit.render("locks.html", "Locks", found=found, nav="locks")


async def _held(visit: Visit) -> AsyncIterator[LockInfo]:
    """Iterate over as many locks as a page shows, and one more."""
    given = 0
    async with ending(visit.service.locks.list(timeout=visit.seconds)) as locks:
        async for lock in locks:
            if lock.held and visit.reaches(Kind.LOCKS, lock.resource):
                yield lock
                given += 1
            if given > LOCKS_SHOWN:
                return


@pages.page("locks/{resource}")
async def show_lock(visit: Visit) -> Response:
    """Show one lock, and the form that breaks it."""
    resource = visit.path["resource"]
    lock = await visit.service.locks.inspect(resource, timeout=visit.seconds)
    return visit.render("lock.html", resource, resource=resource, lock=lock, done=visit.text("done"), nav="locks")


@pages.action("locks/{resource}/break")
async def break_lock(visit: Visit) -> Response:
    """Free a lock by force: that grant of it which the page showed, and no later one."""
    resource, form = visit.path["resource"], await visit.form()
    token, why = visit.number("token", form.get("token", "")), reason_of(visit, form)
    if token is None:
        raise refusals.wrong("token", "is missing: load the page again")
    await visit.service.locks.break_lock(resource, token, why.reason, actor=visit.principal.name, timeout=visit.seconds)
    return visit.redirect("locks", resource, done="1")
