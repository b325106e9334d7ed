"""The long rolling restart: three processes over and over, under a closed loop of 12,000 requests."""

import time

import pytest

from tai_state import connect
from tests.integration.service.fleet import fleet_of
from tests.integration.service.load import Load, judge
from tests.waits import patience

pytestmark = [pytest.mark.torture, pytest.mark.emulator]

PROCESSES = 3
REQUESTS = 12_000
ORDERS = 24
END_SECONDS = 10.0


@pytest.mark.parametrize("kind", ["fastapi", "flask"])
def test_a_long_rolling_restart_loses_and_doubles_nothing(kind, tai_state_project, tmp_path, tell):
    """Each 2xx is stored once, each repetition is told the same, and only who is ending says 503."""
    url = f"firestore://{tai_state_project}"
    began, ends = time.monotonic(), []
    with fleet_of(kind, PROCESSES, url, tmp_path, WEB_CONCURRENCY="2") as fleet:
        load = Load(fleet, orders=ORDERS, callers=8)

        def during():
            while load.requests < REQUESTS and not load.heard.wrong:
                # The oldest one: what is new stands at the end.
                ends.append(fleet.restart(fleet.servers[0], patience(END_SECONDS)))

        heard = load.run(during, REQUESTS)
        with connect(url) as store:
            judge(heard, store, ORDERS)
    assert len(ends) >= PROCESSES
    assert max(ends) < patience(END_SECONDS)
    seconds = time.monotonic() - began
    counts = ", ".join(f"{count:,} {name}" for name, count in sorted(heard.counts.items()))
    tell(f"{kind}: {counts}; {len(ends)} restarts, the longest end {max(ends):.1f} s; {seconds:.0f} s")
