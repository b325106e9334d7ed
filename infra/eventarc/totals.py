"""A service that Eventarc calls with each event of a store: it keeps a total, and counts each order once.

Run it with ``uvicorn --factory totals:create_app``; $TAI_STATE_STORE says where the store is. See README.md beside it.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response

from tai_state import AsyncStateStore, AsyncTransaction, Event, InvalidDataError, async_connect
from tai_state.feeds import AsyncSubscription
from tai_state.feeds.eventarc import cloud_event_of, event_of

TOTALS = "totals"


async def count(event: Event, tx: AsyncTransaction) -> None:
    """Add what an order brings, in the commit that moves the position: however often it is told, it counts once."""
    found = await tx.find_state(TOTALS, event.governor_id)
    before = found.data if found else {"orders": 0, "amount": 0}
    after = {"orders": before["orders"] + 1, "amount": before["amount"] + event.to_state["total"]}
    await tx.save_state(TOTALS, event.governor_id, after)


def create_app(open_store: Callable[[], AsyncStateStore] = async_connect) -> FastAPI:
    """Return the application."""

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        async with open_store() as store:
            # Totals have no status: what this service writes is not told to it.
            app.state.totals = AsyncSubscription(store, "totals", count, statuses=["paid"], delivery="exactly_once")
            yield

    app = FastAPI(title="totals", lifespan=life, docs_url=None, redoc_url=None)

    @app.post("/")
    async def told(request: Request) -> Response:
        """Take one event; Eventarc comes again with what is answered by anything but success."""
        try:
            event = event_of(cloud_event_of(request.headers, await request.body()))
        except InvalidDataError:
            # Not of an event: to be told of it again would not help.
            return Response(status_code=204)
        outcome = await request.app.state.totals.deliver(event.governor_id, event.state_id)
        return Response(status_code=204 if outcome.is_done else 503)

    return app
