"""Checks and repairs of a governor: in the background, with progress; a repair behind its dry run alone."""

from typing import Any

from starlette.responses import Response

from tai_state.server.console.costs import Cost
from tai_state.server.console.routes import Pages
from tai_state.server.console.views.actions import reason_of
from tai_state.server.console.visit import Visit
from tai_state.server.http import refusals
from tai_state.server.http.background import Operation
from tai_state.server.http.routes import Needs
from tai_state.server.http.upkeep import Work, checking, repairing
from tai_state.telemetry import observe

VERIFY, DRY_RUN, RECOVER = "verify", "recover (dry run)", "recover"
LOOK_SECONDS = 1

pages = Pages()
_GOVERNOR = "governors/{governor}"


@pages.action(_GOVERNOR + "/verify", Needs.READ)
async def verify(visit: Visit) -> Response:
    """Begin to hold every state of a governor against its log; nothing is written."""
    return _begun(visit, VERIFY, checking(visit.service, visit.path["governor"]))


@pages.action(_GOVERNOR + "/dry-run")
async def dry_run(visit: Visit) -> Response:
    """Begin to find out what a repair would do; nothing is written."""
    return _begun(visit, DRY_RUN, _recovering(visit, is_dry_run=True))


@pages.action(_GOVERNOR + "/recover")
async def recover(visit: Visit) -> Response:
    """Begin to repair what can be proven, once its dry run has been shown."""
    form = await visit.form()
    shown = visit.service.background.operations.get(form.get("dry_run", ""))
    if shown is None or (shown.kind, shown.governor_id, shown.status) != (DRY_RUN, visit.path["governor"], "done"):
        raise refusals.wrong("dry_run", "a repair follows a dry run of this process that has ended: begin with that")
    return _begun(visit, RECOVER, _recovering(visit, is_dry_run=False, reason=reason_of(visit, form).reason))


@pages.page(_GOVERNOR + "/operations/{operation}")
async def show_operation(visit: Visit) -> Response:
    """Show how far a check or a repair has come, and what it found."""
    operation = _operation(visit)
    return visit.render(
        "operation.html",
        f"{operation.kind}: {visit.path['governor']}",
        governor=visit.path["governor"],
        operation=operation,
        look_seconds=LOOK_SECONDS,
        nav="governors",
    )


@pages.page(_GOVERNOR + "/operations/{operation}/progress")
async def show_progress(visit: Visit) -> Response:
    """Tell how far it has come: what its page asks for until it has ended."""
    return Response(progress_of(_operation(visit)), headers=visit.headers(), media_type="text/plain")


def progress_of(operation: Operation) -> str:
    """Return what changes with each step."""
    return f"{operation.status} {operation.states}"


def _recovering(visit: Visit, *, is_dry_run: bool, reason: str = "") -> Work:
    return repairing(
        visit.service, visit.path["governor"], actor=visit.principal.name, is_dry_run=is_dry_run, reason=reason
    )


def _begun(visit: Visit, kind: str, work: Work) -> Response:
    async def counted(operation: Operation) -> None:
        cost = Cost()
        with observe(visit.store, cost):
            try:
                await work(operation)
            finally:
                operation.documents_read = cost.documents

    operation = visit.service.background.begin(kind, visit.path["governor"], visit.principal.name, counted)
    return visit.redirect("governors", visit.path["governor"], "operations", operation.id)


def _operation(visit: Visit) -> Any:
    found = visit.service.background.operations.get(visit.path["operation"])
    if found is None or found.governor_id != visit.path["governor"]:
        raise refusals.no_such("operation: it belongs to the process that began it, and is kept for a while")
    return found
