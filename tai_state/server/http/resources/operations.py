"""``/v1/verifications`` and ``/v1/recoveries``: begun by a request, and looked at under ``/v1/operations``."""

from typing import Any

from pydantic import Field

from tai_state.server.auth.principals import Kind
from tai_state.server.http import refusals
from tai_state.server.http.answers import Answer, told
from tai_state.server.http.background import Operation
from tai_state.server.http.calls import Call
from tai_state.server.http.routes import Body, Change, Needs, Resource, Said
from tai_state.server.http.shapes import BackgroundOperation, Items
from tai_state.server.http.upkeep import checking, repairing

resource = Resource("operations")

BEGUN = Said(202, "It has begun; Location leads to it.", BackgroundOperation, ("Location", "Retry-After"))
RETRY_SECONDS = "1"


class Verify(Body):
    """What is checked."""

    governor: str | None = Field(None, description="This one alone; null: all of them, which a token must reach.")
    state: str | None = Field(None, description="This state of it alone.")


@resource.route(
    "POST", "/v1/verifications", BEGUN, needs=Needs.READ, body=Verify, is_body_optional=True, problems=(422, 503)
)
async def verify(call: Call) -> Answer:
    """Check every state against its log, and all that is kept beside it; nothing is written."""
    body = await call.body(Verify)
    call.require(Kind.GOVERNORS, body.governor)
    if body.state is not None and body.governor is None:
        raise refusals.wrong("governor", "goes with a state")
    work = checking(call.service, body.governor, body.state)
    return _begun(call, call.service.background.begin("verify", body.governor, call.principal.name, work))


class Recover(Change):
    """What is made sound again."""

    governor: str | None = Field(None, description="This one alone; null: all of them, which a token must reach.")
    dry_run: bool = Field(default=False, description="Write nothing, and tell what would be done.")


@resource.route("POST", "/v1/recoveries", BEGUN, body=Recover, is_body_optional=True, problems=(422, 503))
async def recover(call: Call) -> Answer:
    """Repair what can be proven, and tell what cannot; it may be stopped anywhere and begun anew."""
    body = await call.body(Recover)
    call.require(Kind.GOVERNORS, body.governor)
    name = call.principal.name
    work = repairing(
        call.service, body.governor, actor=name, is_dry_run=body.dry_run, reason=body.reason, context=body.context
    )
    return _begun(call, call.service.background.begin("recover", body.governor, name, work))


@resource.route("GET", "/v1/operations", Said(200, "Those of this process.", Items[BackgroundOperation]))
async def list_operations(call: Call) -> Answer:
    """List the operations that this process has begun, the oldest first, those that the token reaches."""
    found = [one.shown() for one in call.service.background.operations.values() if _is_reached(call, one)]
    return told({"items": found})


@resource.route(
    "GET",
    "/v1/operations/{operation}",
    Said(200, "How far it has come, and what was found.", BackgroundOperation, ("Retry-After",)),
    problems=(404,),
)
async def get_operation(call: Call) -> Answer:
    """Return how far an operation has come; one that has ended tells what it found."""
    operation = _operation(call)
    return told(operation.shown(), headers={} if operation.ended_at else {"Retry-After": RETRY_SECONDS})


@resource.route(
    "DELETE", "/v1/operations/{operation}", Said(202, "It ends soon.", BackgroundOperation), problems=(404,)
)
async def stop_operation(call: Call) -> Answer:
    """Let an operation end at the next state; what it did stays."""
    operation = _operation(call)
    operation.is_unwanted = True
    return told(operation.shown(), 202)


def _begun(call: Call, operation: Operation) -> Answer:
    headers = {"Location": call.link("v1", "operations", operation.id), "Retry-After": RETRY_SECONDS}
    return told(operation.shown(), 202, headers)


def _is_reached(call: Call, operation: Operation) -> bool:
    allowed = call.principal.allowed
    if operation.governor_id is None:
        return allowed.covers_all(Kind.GOVERNORS)
    return allowed.covers(Kind.GOVERNORS, operation.governor_id)


def _operation(call: Call) -> Operation:
    found: Any = call.service.background.operations.get(call.path["operation"])
    if found is None or not _is_reached(call, found):
        raise refusals.no_such("operation: it belongs to the process that began it")
    operation: Operation = found
    return operation
