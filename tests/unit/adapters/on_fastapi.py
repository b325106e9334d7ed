"""An application on FastAPI that waits, and one that fails; imported by the tests that need it alone."""

import asyncio
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI, HTTPException, Request

from tai_state import AsyncMemoryStore, AsyncStateStore, StoreError, StoreUnavailableError
from tai_state.adapters.fastapi import (
    DrainMiddleware,
    ExpectedVersion,
    IdempotencyKey,
    handle_errors,
    lifespan,
    serving_of,
)


def make_app():
    """Return an application whose requests wait until they are let go, and write then."""
    app = FastAPI(lifespan=lifespan(AsyncMemoryStore, drain_seconds=60.0))
    app.add_middleware(DrainMiddleware)
    handle_errors(app)
    app.state.begun, app.state.go = asyncio.Event(), asyncio.Event()

    @app.post("/slow")
    async def slow(request: Request):
        app.state.begun.set()
        await app.state.go.wait()
        store: AsyncStateStore = serving_of(request).store
        return {"version": await store.save_state("g", "s", {})}

    @app.get("/said")
    async def said(key: IdempotencyKey, version: ExpectedVersion):
        return [key, version]

    @app.post("/numbers")
    async def numbers(body: list[int]):
        return body

    @app.get("/health/live")
    async def live():
        return {"ok": True}

    @app.get("/raise/{name}")
    async def fail(name: str):
        raise {
            "ours": StoreUnavailableError("10.0.0.7 is away", retry_after=3.0),
            "damage": StoreError("/srv/a.db is torn"),
            "theirs": HTTPException(418, "short and stout", headers={"X-Pot": "tea"}),
            "bug": ZeroDivisionError("nobody expected this"),
        }[name]

    return app


@asynccontextmanager
async def calling(app):
    """Give what calls *app*, within its lifespan."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://a") as client:
        yield client
