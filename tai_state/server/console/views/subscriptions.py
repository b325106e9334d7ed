"""Subscriptions: how far each is behind, and the events that it put aside."""

from starlette.responses import Response

from tai_state.feeds import AsyncSubscription, async_subscriptions
from tai_state.server.auth.principals import Kind
from tai_state.server.console.rendering import brought
from tai_state.server.console.routes import Pages
from tai_state.server.console.views.listed import listed
from tai_state.server.console.visit import Visit
from tai_state.server.http import refusals

SHOWN = 100
LETTERS_SHOWN = 50

pages = Pages()


@pages.page("subscriptions")
async def show_subscriptions(visit: Visit) -> Response:
    """Show the subscriptions that have begun, and how far each has come."""
    visit.require_all(Kind.GOVERNORS)
    found = await listed(async_subscriptions(visit.store, timeout=visit.seconds), SHOWN)
    return visit.render("subscriptions.html", "Subscriptions", found=found, nav="subscriptions")


@pages.page("subscriptions/{subscription}")
async def show_subscription(visit: Visit) -> Response:
    """Show how far one is behind, which reads what has changed since its position, and its dead letters."""
    visit.require_all(Kind.GOVERNORS)
    name = visit.path["subscription"]
    subscription = AsyncSubscription(visit.store, name)
    letters = await subscription.dead_letters(limit=LETTERS_SHOWN, timeout=visit.seconds)
    return visit.render(
        "subscription.html",
        name,
        name=name,
        lag=await subscription.lag(timeout=visit.seconds),
        letters=letters,
        done=visit.text("done"),
        nav="subscriptions",
    )


@pages.action("subscriptions/{subscription}/retry")
async def retry(visit: Visit) -> Response:
    """Have a dead letter delivered again by the subscription's workers."""
    visit.require_all(Kind.GOVERNORS)
    name, form = visit.path["subscription"], await visit.form()
    subscription = AsyncSubscription(visit.store, name)
    governor, state, version = (brought(form.get(one, "")) for one in ("governor", "state", "version"))
    number = visit.number("version", version)
    assert number is not None
    async for event in visit.store.get_events(
        governor, state, after=number - 1, until=number, limit=1, timeout=visit.seconds
    ):
        if await subscription.retry(event, timeout=visit.seconds):
            return visit.redirect("subscriptions", name, done="1")
    raise refusals.no_such("dead letter: it is being delivered again, or was")
