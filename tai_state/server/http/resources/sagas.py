"""``.../sagas``: steps that are undone where one fails: started, looked at, turned back; run elsewhere."""

from typing import Any, Literal

from pydantic import Field

from tai_state.sagas import SagaState
from tai_state.server.http import refusals
from tai_state.server.http.answers import Answer, told
from tai_state.server.http.calls import Call
from tai_state.server.http.paging import After, paged, size_of
from tai_state.server.http.routes import Change, Resource, Said
from tai_state.server.http.shapes import Items

resource = Resource("sagas")

SAGAS = "/v1/governors/{governor}/sagas"
SAGA = SAGAS + "/{saga}"


class Sagas(After):
    """Which sagas of a governor are wanted."""

    status: Literal["running", "completed", "compensating", "compensated", "compensation_failed"] | None = None
    saga: str | None = Field(None, description="Only those of this definition.")


@resource.route("GET", SAGAS, Said(200, "A page of them.", Items[SagaState], ("Link",)), query=Sagas)
async def list_sagas(call: Call) -> Answer:
    """List the sagas of a governor, ascending by stored id."""
    query = call.query(Sagas)
    size = size_of(call, query)
    found = call.service.sagas.list_sagas(
        call.path["governor"],
        status=query.status,
        saga_name=query.saga,
        after=query.after,
        limit=size + 1,
        timeout=call.seconds,
    )
    return await paged(call, found, size, show=lambda saga: saga, behind=lambda last: {"after": last.saga_id})


@resource.route("GET", SAGA, Said(200, "The saga.", SagaState), problems=(404,))
async def get_saga(call: Call) -> Answer:
    """Return a saga as it is."""
    return told(await call.service.sagas.get(call.path["governor"], call.path["saga"], timeout=call.seconds))


class StartSaga(Change):
    """What a saga is to do."""

    saga: str = Field(description="The name of its definition.")
    data: Any = None


@resource.route(
    "POST",
    SAGA,
    Said(201, "It is started.", SagaState, ("Location",)),
    body=StartSaga,
    headers=("Idempotency-Key",),
    problems=(409, 422),
)
async def start_saga(call: Call) -> Answer:
    """Start a saga, once, however often it is asked for; a runner brings it forward."""
    body, runner = await call.body(StartSaga), call.service.sagas
    known = sorted(saga.name for saga in runner.sagas)
    if body.saga not in known:
        raise refusals.wrong("saga", f"this server knows no such definition, but {', '.join(known) or 'none'}")
    governor, saga = call.path["governor"], call.path["saga"]
    started = await runner.start(
        governor,
        saga,
        body.saga,
        body.data,
        call.idempotency_key(),
        metadata=call.metadata(body),
        timeout=call.seconds,
    )
    return told(started, 201, {"Location": call.link("v1", "governors", governor, "sagas", saga)})


@resource.route(
    "POST",
    SAGA + "/compensate",
    Said(200, "It turns back.", SagaState),
    body=Change,
    is_body_optional=True,
    problems=(404, 422),
)
async def compensate_saga(call: Call) -> Answer:
    """Let a saga turn back: what finished is compensated, in reverse."""
    body = await call.body(Change)
    return told(
        await call.service.sagas.compensate(
            call.path["governor"],
            call.path["saga"],
            reason=body.reason,
            metadata=call.metadata(body),
            timeout=call.seconds,
        )
    )


@resource.route(
    "POST",
    SAGA + "/retry",
    Said(200, "It goes on.", SagaState),
    body=Change,
    is_body_optional=True,
    problems=(404, 422),
)
async def retry_saga(call: Call) -> Answer:
    """Let a saga go on at once that waits for its next attempt, or whose compensation has failed."""
    body = await call.body(Change)
    return told(
        await call.service.sagas.retry(
            call.path["governor"], call.path["saga"], metadata=call.metadata(body), timeout=call.seconds
        )
    )
