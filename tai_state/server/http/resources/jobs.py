"""``/v1/jobs`` and ``/v1/claims``: work that is done by a claim, which is held by its ticket."""

from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import Field

from tai_state import KEEP, LockLostError, change_context
from tai_state.jobs import AsyncJob, JobInfo
from tai_state.server.http import refusals
from tai_state.server.http.answers import Answer, stored, told
from tai_state.server.http.calls import Call
from tai_state.server.http.routes import Body, Change, LeaseSeconds, Moment, Resource, Said
from tai_state.server.http.shapes import Claimed, JobCounts, JobName

resource = Resource("jobs")

JOB_TICKET = "Job-Ticket"
QUEUE = "/v1/jobs/{queue}"
JOB = QUEUE + "/{job}"


class Enqueue(Change):
    """What is to be done."""

    payload: Any = None
    job_id: str | None = Field(
        None, description="Under which it is put there once; else the Idempotency-Key, or a new one."
    )
    at: Moment | None = Field(None, description="Not before this time.")
    priority: int = Field(0, description="The higher, the sooner.")


@resource.route(
    "POST",
    QUEUE,
    Said(201, "It is there.", JobName, ("Location",)),
    body=Enqueue,
    headers=("Idempotency-Key",),
    problems=(409, 422),
)
async def enqueue_job(call: Call) -> Answer:
    """Put a job into a queue, once under its id."""
    body, queue = await call.body(Enqueue), call.path["queue"]
    with change_context(reason=body.reason, context=body.context):
        id_ = await call.service.queue(queue).enqueue(
            body.payload,
            job_id=body.job_id if body.job_id is not None else call.idempotency_key(),
            at=body.at,
            priority=body.priority,
            timeout=call.seconds,
        )
    return told({"id": id_}, 201, {"Location": call.link("v1", "jobs", queue, id_)})


@resource.route("GET", QUEUE, Said(200, "The counts.", JobCounts))
async def count_jobs(call: Call) -> Answer:
    """Count the jobs of a queue by their status, as the engine counts."""
    return told({"counts": await call.service.queue(call.path["queue"]).counts(timeout=call.seconds)})


@resource.route("GET", JOB, Said(200, "The job.", JobInfo), problems=(404,))
async def get_job(call: Call) -> Answer:
    """Return a job as it is."""
    return told(await call.service.queue(call.path["queue"]).get(call.path["job"], timeout=call.seconds))


class Claim(Body):
    """How a job is wanted."""

    worker: str | None = Field(
        None, min_length=1, description="What the taker calls himself; else the name of who asks."
    )
    lease: LeaseSeconds | None = Field(None, description="For how many seconds it is his without a heartbeat; 60.")


@resource.route(
    "POST",
    "/v1/claims/{queue}",
    Said(200, "The job that is to run next.", Claimed),
    Said(204, "None is due."),
    body=Claim,
    is_body_optional=True,
    problems=(422,),
)
async def claim_job(call: Call) -> Answer:
    """Take the job of a queue that is to run next. Nobody renews the claim here: send heartbeats with its ticket."""
    body = await call.body(Claim)
    job = await call.service.queue(call.path["queue"]).claim(
        body.worker or call.principal.name, lease=body.lease, timeout=call.seconds
    )
    if job is None:
        return Answer(204)
    shown = {"id": job.id, "payload": stored(job.payload), "attempts": job.attempts, "priority": job.priority}
    return told({**shown, "ticket": job.ticket})


_TICKET = {"headers": (JOB_TICKET,), "problems": (404, 409, 422)}


@resource.route("POST", JOB + "/heartbeat", Said(204, "The lease is renewed."), **_TICKET)
async def heartbeat_job(call: Call) -> Answer:
    """Renew the lease of a claim."""
    await _attached(call)
    return Answer(204)


class Complete(Change):
    """What a job came to."""

    result: Any = None


@resource.route(
    "POST", JOB + "/complete", Said(200, "It has succeeded.", JobInfo), body=Complete, is_body_optional=True, **_TICKET
)
async def complete_job(call: Call) -> Answer:
    """End a job as succeeded; asked again under the same ticket, it tells the same."""
    body = await call.body(Complete)
    try:
        return await _ended(call, body, lambda job: job.complete(body.result, timeout=call.seconds))
    except LockLostError as error:
        # Of the ticket's own claim, which completed it: the answer to that was lost.
        if error.reason != "released":
            raise
    queue = call.service.queue(call.path["queue"])
    return told(await queue.get(call.path["job"], timeout=call.seconds), headers={"Idempotency-Replayed": "true"})


class Fail(Change):
    """What went wrong."""

    error: str
    retry: bool = Field(default=True, description="False: for good, whatever attempts are left.")


@resource.route("POST", JOB + "/fail", Said(200, "It has failed, or is put back.", JobInfo), body=Fail, **_TICKET)
async def fail_job(call: Call) -> Answer:
    """End an attempt as failed: the job is put back while it has attempts left."""
    body = await call.body(Fail)
    return await _ended(call, body, lambda job: job.fail(body.error, retry=body.retry, timeout=call.seconds))


@resource.route(
    "POST", JOB + "/release", Said(200, "It is put back.", JobInfo), body=Change, is_body_optional=True, **_TICKET
)
async def release_job(call: Call) -> Answer:
    """Give a job back as if it had never been claimed."""
    return await _ended(call, await call.body(Change), lambda job: job.release(timeout=call.seconds))


@resource.route(
    "POST",
    JOB + "/cancel",
    Said(200, "It is cancelled.", JobInfo),
    body=Change,
    is_body_optional=True,
    problems=(404, 409, 422),
)
async def cancel_job(call: Call) -> Answer:
    """Let a job not run, or not be ended by its claim, any more."""
    body, queue = await call.body(Change), call.service.queue(call.path["queue"])
    with change_context(reason=body.reason, context=body.context):
        return told(await queue.cancel(call.path["job"], timeout=call.seconds))


class JobStatus(Change):
    """To which status a job is to be brought."""

    status: str
    error: str | None = Field(None, description="Its last error from now on; null: none; left out: as it is.")


@resource.route("PUT", JOB + "/status", Said(200, "The job.", JobInfo), body=JobStatus, problems=(404, 409, 422))
async def update_job(call: Call) -> Answer:
    """Bring a job to a status by hand, whoever has claimed it."""
    body, queue = await call.body(JobStatus), call.service.queue(call.path["queue"])
    error = body.error if "error" in body.model_fields_set else KEEP
    with change_context(reason=body.reason, context=body.context):
        return told(await queue.update_status(call.path["job"], body.status, error, timeout=call.seconds))


async def _attached(call: Call) -> AsyncJob:
    """Return the job of the path, by the ticket of its claim, whose lease is renewed.

    Raises:
        Refusal: The request carries none, or that of another job.
        LockLostError: The claim was lost.
    """
    ticket = call.header(JOB_TICKET)
    if ticket is None:
        raise refusals.bad_header(f"{JOB_TICKET} is missing: send what claiming the job gave")
    job = await call.service.queue(call.path["queue"]).attach(ticket, timeout=call.seconds)
    if job.id != call.path["job"]:
        raise refusals.bad_header(f"{JOB_TICKET} is that of another job")
    return job


async def _ended(call: Call, change: Change, end: Callable[[AsyncJob], Awaitable[JobInfo]]) -> Answer:
    with change_context(reason=change.reason, context=change.context):
        return told(await end(await _attached(call)))
