"""What is to be done by itself: jobs, timers and sagas."""

import asyncio

from starlette.responses import Response

from tai_state import change_context
from tai_state.due import AsyncDueWorker
from tai_state.server.auth.principals import Kind
from tai_state.server.console.rendering import brought
from tai_state.server.console.routes import Pages
from tai_state.server.console.views.actions import reason_of
from tai_state.server.console.views.listed import listed
from tai_state.server.console.visit import Visit
from tai_state.server.http import refusals

SHOWN = 50
_QUEUE = "jobs:"
"""With what the governors begin whose states are jobs."""

pages = Pages()


@pages.page("jobs")
async def show_queues(visit: Visit) -> Response:
    """Show the queues that have had a job, those that who asks reaches."""
    wanted = visit.text("queue")
    if wanted is not None:
        return visit.redirect("jobs", wanted)
    after = _QUEUE + (visit.text("after") or "")
    found = await listed(visit.store.list_governors(after=after, limit=SHOWN + 1, timeout=visit.seconds), SHOWN)
    queues = [one.removeprefix(_QUEUE) for one in found.items if one.startswith(_QUEUE)]
    reached = [one for one in queues if visit.reaches(Kind.GOVERNORS, _QUEUE + one)]
    counts = await asyncio.gather(*(visit.service.queue(one).counts(timeout=visit.seconds) for one in reached))
    # Behind the last queue stand other governors.
    is_more = found.is_more and len(queues) == len(found.items)
    return visit.render(
        "queues.html",
        "Jobs",
        found=found,
        rows=list(zip(reached, counts, strict=True)),
        last=queues[-1:],
        is_more=is_more,
        nav="jobs",
    )


@pages.page("jobs/{queue}")
async def show_queue(visit: Visit) -> Response:
    """Show how many jobs of a queue are in each status, and some of one."""
    queue, wanted = visit.path["queue"], visit.text("status")
    counts = await visit.service.queue(queue).counts(timeout=visit.seconds)
    states = visit.store.list_states(
        _QUEUE + queue, status=wanted, after=visit.text("after"), limit=SHOWN + 1, timeout=visit.seconds
    )
    return visit.render(
        "queue.html",
        queue,
        queue=queue,
        governor=_QUEUE + queue,
        counts=counts,
        wanted=wanted,
        found=await listed(states, SHOWN),
        done=visit.text("done"),
        nav="jobs",
    )


@pages.action("jobs/{queue}/status")
async def set_status(visit: Visit) -> Response:
    """Put a failed job back into its queue, or cancel one, as the queue's machine allows it."""
    queue, form = visit.path["queue"], await visit.form()
    status = form.get("status", "")
    if status not in {"queued", "cancelled"}:
        raise refusals.wrong("status", "a job is put back, or cancelled")
    with change_context(reason=reason_of(visit, form).reason):
        await visit.service.queue(queue).update_status(brought(form.get("job", "")), status, timeout=visit.seconds)
    return visit.redirect("jobs", queue, done=status)


@pages.page("timers")
async def show_timers(visit: Visit) -> Response:
    """Show what is due of the states of this server's machines, the first first."""
    visit.require_all(Kind.GOVERNORS)
    pending = []
    if visit.service.plain.machines:
        pending = await AsyncDueWorker(visit.service.plain).pending(limit=SHOWN, timeout=visit.seconds)
    return visit.render("timers.html", "Timers", pending=pending, most=SHOWN, nav="timers")


@pages.page("sagas")
async def show_saga_governors(visit: Visit) -> Response:
    """Show the governors that have sagas, those that who asks reaches."""
    found = await listed(
        visit.store.list_governors(kind="sagas", after=visit.text("after"), limit=SHOWN + 1, timeout=visit.seconds),
        SHOWN,
    )
    names = [str(getattr(one, "name", one)) for one in found.items]
    reached = [one for one in names if visit.reaches(Kind.GOVERNORS, one)]
    return visit.render("saga_governors.html", "Sagas", found=found, governors=reached, last=names[-1:], nav="sagas")


@pages.page("sagas/{governor}")
async def show_sagas(visit: Visit) -> Response:
    """Show the sagas of a governor, page by page."""
    governor, wanted = visit.path["governor"], visit.text("status")
    sagas = visit.service.sagas.list_sagas(
        governor, status=wanted, after=visit.text("after"), limit=SHOWN + 1, timeout=visit.seconds
    )
    found = await listed(sagas, SHOWN)
    return visit.render("sagas.html", governor, governor=governor, wanted=wanted, found=found, nav="sagas")


@pages.page("sagas/{governor}/sagas/{saga}")
async def show_saga(visit: Visit) -> Response:
    """Show a saga: its steps, where each stands, what they returned, and what went wrong."""
    governor, saga = visit.path["governor"], visit.path["saga"]
    found = await visit.service.sagas.get(governor, saga, timeout=visit.seconds)
    return visit.render(
        "saga.html", saga, governor=governor, saga=found, done=visit.text("done"), is_whole=True, nav="sagas"
    )


@pages.action("sagas/{governor}/sagas/{saga}/retry")
async def retry_saga(visit: Visit) -> Response:
    """Let a saga go on at once that waits, or whose compensation has failed."""
    governor, saga = visit.path["governor"], visit.path["saga"]
    why = reason_of(visit, await visit.form())
    await visit.service.sagas.retry(governor, saga, metadata=why, timeout=visit.seconds)
    return visit.redirect("sagas", governor, "sagas", saga, done="retry")


@pages.action("sagas/{governor}/sagas/{saga}/compensate")
async def compensate_saga(visit: Visit) -> Response:
    """Let a saga turn back: what finished is compensated, in reverse."""
    governor, saga = visit.path["governor"], visit.path["saga"]
    why = reason_of(visit, await visit.form())
    await visit.service.sagas.compensate(governor, saga, reason=why.reason, metadata=why, timeout=visit.seconds)
    return visit.redirect("sagas", governor, "sagas", saga, done="compensate")
