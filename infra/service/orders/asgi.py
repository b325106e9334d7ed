"""The service on FastAPI: ``uvicorn --factory orders.asgi:create_app``."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, FastAPI, Query, Request, Response
from fastapi.responses import JSONResponse

from orders import answers
from orders.logs import log_as_json
from orders.machine import ORDERS, Order, order_of, payload_of
from tai_state import AsyncStateMachinePersister, AsyncStateStore, StoreUnavailableError, async_connect
from tai_state.adapters.fastapi import (
    DrainMiddleware,
    ExpectedVersion,
    IdempotencyKey,
    Serving,
    handle_errors,
    lifespan,
    serving_of,
)
from tai_state.telemetry import Monitor

routes = APIRouter()


def persister_of(serving: Annotated[Serving, Depends(serving_of)]) -> AsyncStateMachinePersister[Order]:
    """Return what moves orders in the store of this loop."""
    return AsyncStateMachinePersister(serving.store, ORDERS)


JsonBody = Annotated[dict[str, Any] | None, Body()]
Persister = Annotated[AsyncStateMachinePersister[Order], Depends(persister_of)]


def sent(answer: answers.Answer) -> Response:
    """Return the response that gives *answer*."""
    return JSONResponse(answer.content, answer.status, answer.headers)


@routes.post("/orders/{shop}/{order}", status_code=HTTPStatus.CREATED)
async def start(persister: Persister, shop: str, order: str, body: JsonBody, key: IdempotencyKey) -> Response:
    """Take a new order."""
    result = await persister.start(shop, order, order_of(body), idempotency_key=key, timeout=answers.CALL_SECONDS)
    return sent(answers.changed(result, HTTPStatus.CREATED))


@routes.post("/orders/{shop}/{order}/{action}")
async def act(
    *,
    persister: Persister,
    shop: str,
    order: str,
    action: str,
    key: IdempotencyKey,
    version: ExpectedVersion,
    body: JsonBody = None,
) -> Response:
    """Move an order."""
    result = await persister.transition(
        shop,
        order,
        action,
        payload_of(action, body),
        expected_version=version,
        idempotency_key=key,
        timeout=answers.CALL_SECONDS,
    )
    return sent(answers.changed(result))


@routes.get("/orders/{shop}/{order}")
async def read(persister: Persister, shop: str, order: str) -> Response:
    """Tell how an order stands."""
    loaded = await persister.load_state(shop, order, timeout=answers.CALL_SECONDS)
    return sent(answers.read(loaded.snapshot))


@routes.get("/orders/{shop}/{order}/history")
async def history(
    persister: Persister,
    shop: str,
    order: str,
    after: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=answers.PAGE_MAX)] = answers.PAGE_MAX,
) -> Response:
    """Tell what an order went through."""
    events = persister.store.get_events(shop, order, after=after, limit=limit + 1, timeout=answers.CALL_SECONDS)
    return sent(answers.page(shop, order, [event async for event in events], after, limit))


@routes.get("/health/live")
async def live() -> dict[str, bool]:
    """Tell that the process runs; one that is ending does."""
    return {"ok": True}


@routes.get("/health/ready")
async def ready(serving: Annotated[Serving, Depends(serving_of)]) -> dict[str, Any]:
    """Tell that requests can be served: the store answers, and the process is not ending."""
    health = await serving.store.health(timeout=answers.HEALTH_SECONDS)
    if not health.ok:
        raise StoreUnavailableError(health.message)
    return {"ok": True, "backend": health.backend}


@routes.get("/metrics")
async def metrics(request: Request) -> Response:
    """Tell Prometheus what the store of this process did."""
    return Response(request.app.state.monitor.as_prometheus(), media_type=answers.METRICS)


def create_app(open_store: Callable[[], AsyncStateStore] = async_connect) -> FastAPI:
    """Return the application; $TAI_STATE_STORE says where its orders are."""

    def watched() -> AsyncStateStore:
        store = open_store()
        app.state.monitor = Monitor(store)
        return store

    log_as_json()
    app = FastAPI(
        title="orders",
        lifespan=lifespan(watched),
        max_body_size=answers.BODY_BYTES_MAX,
        docs_url=None,
        redoc_url=None,
    )
    app.add_middleware(DrainMiddleware)
    handle_errors(app)
    app.include_router(routes)
    return app
