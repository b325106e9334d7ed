"""Locks: who has which, since when and until when; and how one is broken."""

from starlette.responses import Response

from tai_state import LockInfo
from tai_state.server.auth.principals import Kind
from tai_state.server.console.routes import Pages
from tai_state.server.console.views.actions import reason_of
from tai_state.server.console.visit import Visit
from tai_state.server.http import refusals
from tai_state.server.http.held import locks_page

LOCKS_SHOWN = 100

pages = Pages()


@pages.page("locks")
async def show_locks(visit: Visit) -> Response:
    """Show the locks that are held, those that who asks reaches; free ones are read on the way, so many a page."""
    wanted = visit.text("resource")
    if wanted is not None:
        return visit.redirect("locks", wanted)

    def is_wanted(lock: LockInfo) -> bool:
        return lock.held and visit.reaches(Kind.LOCKS, lock.resource)

    after = visit.text("after")
    page = await locks_page(visit.service.locks, after, LOCKS_SHOWN, is_wanted, timeout=visit.seconds)
    return visit.render("locks.html", "Locks", page=page, after=after, nav="locks")


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
