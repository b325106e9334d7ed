"""``/health``: whether the process runs, and whether it can serve. Anybody may ask."""

from tai_state.adapters.problems import DRAINING, PLACES, Problem
from tai_state.errors import StoreUnavailableError
from tai_state.server.http.answers import Answer, problem_answer, told
from tai_state.server.http.calls import Call
from tai_state.server.http.routes import Needs, Resource, Said
from tai_state.server.http.shapes import Ok

resource = Resource("health")


@resource.route("GET", "/health/live", Said(200, "The process runs.", Ok), needs=Needs.NOTHING)
async def live(_: Call) -> Answer:
    """Tell that the process runs; one that is ending does."""
    return told({"ok": True})


@resource.route("GET", "/health/ready", Said(200, "Requests can be served.", Ok), needs=Needs.NOTHING, problems=(503,))
async def ready(call: Call) -> Answer:
    """Tell that requests can be served: the store answers, and the process is not ending."""
    if call.service.serving.draining:
        return problem_answer(DRAINING)
    if await call.service.readiness.is_ready():
        return told({"ok": True})
    # What the store says of itself may name files and hosts, and anybody may ask.
    place = PLACES[StoreUnavailableError]
    return problem_answer(Problem(place.status, StoreUnavailableError.code, place.title, retry_after=1.0))
