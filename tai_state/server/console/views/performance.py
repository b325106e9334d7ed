"""What this process does: operations, how long they take, conflicts, and what is billed for them; since a login."""

from starlette.responses import Response

from tai_state.server.auth.principals import Kind
from tai_state.server.console.routes import Pages
from tai_state.server.console.visit import Visit

LOOK_SECONDS = 2

pages = Pages()


@pages.page("performance")
async def show_performance(visit: Visit) -> Response:
    """Show what was counted since somebody first logged in; another process is asked for its own."""
    visit.require_all(Kind.GOVERNORS)
    counted = visit.watch.monitor.as_dict()
    return visit.render(
        "performance.html",
        "Performance",
        counted=counted,
        since=visit.watch.since,
        mark=_mark(visit),
        look_seconds=LOOK_SECONDS,
        nav="performance",
    )


@pages.page("performance/mark")
async def show_mark(visit: Visit) -> Response:
    """Tell whether something was done since: what the page asks that shows it; it reads no document."""
    visit.require_all(Kind.GOVERNORS)
    return Response(_mark(visit), headers=visit.headers(), media_type="text/plain")


def _mark(visit: Visit) -> str:
    operations = visit.watch.monitor.as_dict()["operations"]
    return str(sum(one["seconds"]["count"] for one in operations.values()))
