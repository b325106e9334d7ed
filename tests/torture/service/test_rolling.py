"""The long rolling restart: three servers over and over, under a closed loop of 12,000 requests; some are killed."""

import itertools
import time

import pytest

from tai_state import connect
from tests.integration.service.fleet import Server, fleet_of
from tests.integration.service.load import Load, judge
from tests.waits import patience

pytestmark = [pytest.mark.torture, pytest.mark.emulator]

SERVERS = 3
REQUESTS = 12_000
ORDERS = 24
END_SECONDS = 10.0
KILLED_EVERY = 4


@pytest.mark.parametrize("kind", ["fastapi", "flask"])
def test_a_long_rolling_restart_loses_and_doubles_nothing(kind, tai_state_project, tmp_path, tell):
    """Each 2xx is stored once, each repetition is told the same, and only who is ending says 503."""
    url = f"firestore://{tai_state_project}"
    began = time.monotonic()
    ends: list[float] = []
    killed: list[Server] = []
    with fleet_of(kind, SERVERS, url, tmp_path, WEB_CONCURRENCY="2") as fleet:
        load = Load(fleet, orders=ORDERS, callers=8)

        def during():
            turns = itertools.count(1)
            while load.requests < REQUESTS and not load.heard.wrong:
                # The oldest one: what is new stands at the end.
                oldest = fleet.servers[0]
                if next(turns) % KILLED_EVERY:
                    ends.append(fleet.restart(oldest, patience(END_SECONDS)))
                else:
                    fleet.crash(oldest)
                    killed.append(oldest)

        heard = load.run(during, REQUESTS)
        with connect(url) as store:
            judge(heard, store, ORDERS)
    assert len(ends) >= SERVERS
    assert killed
    assert max(ends) < patience(END_SECONDS)
    seconds = time.monotonic() - began
    counts = ", ".join(f"{count:,} {name}" for name, count in sorted(heard.counts.items()))
    restarts = f"{len(killed)} killed, {len(ends)} restarts, the longest end {max(ends):.1f} s"
    tell(f"{kind}: {counts}; {restarts}; {seconds:.0f} s")
