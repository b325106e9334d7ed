"""SIGTERM: what is under way is answered, what is new is refused, and the process ends in time."""

import http.client
import sqlite3
import time

import pytest

from tai_state import connect
from tests.integration.service.fleet import fleet_of
from tests.waits import eventually, patience

ORDER = "/orders/shop/o-1"
# Longer than a server waits that does not know of the drain; the service's calls take 8 seconds at most.
HELD_SECONDS = 1.6


def is_refused(kind, server):
    """Whether a new request is not served any more: told so by FastAPI, while Flask's server takes no connection."""
    if kind == "flask":
        return "Handling signal: term" in server.said()
    try:
        answer = server.call("GET", ORDER)
    except (OSError, http.client.HTTPException):
        return False
    return (answer.status, answer.content["code"], "retry-after" in answer.headers) == (503, "store_closed", True)


@pytest.mark.parametrize("kind", ["fastapi", "flask"])
def test_sigterm_waits_for_the_request_under_way(kind, tmp_path):
    """Its commit waits for somebody else's: it is answered, stored, and only then does the process end."""
    file = tmp_path / "orders.db"
    url = f"sqlite:///{file}"
    with fleet_of(kind, 1, url, tmp_path, WEB_CONCURRENCY="1") as fleet:
        (server,) = fleet.servers
        assert server.call("POST", ORDER, {"customer": "ann"}).status == 201
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        answer = server.begin(f"{ORDER}/add", {"sku": "tea"})
        until = time.monotonic() + HELD_SECONDS
        server.end()
        assert eventually(lambda: is_refused(kind, server)), server.said()
        server.end()  # whoever asks twice ends nothing sooner
        time.sleep(max(0.0, until - time.monotonic()))
        other.execute("ROLLBACK")
        other.close()
        told = answer()
        assert server.ended(patience(10.0)) < patience(10.0)
    assert (told.status, told.content["version"]) == (200, 2)
    with connect(url) as store:
        assert [event.action for event in store.get_events("shop", "o-1")] == ["start", "add"]
