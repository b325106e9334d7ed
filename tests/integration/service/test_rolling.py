"""A rolling restart of the real servers under load: nothing is lost or double, and nobody hears of a failure."""

import signal

import pytest

from tai_state import connect
from tests.integration.service.fleet import fleet_of
from tests.integration.service.load import Load, judge
from tests.waits import eventually, patience

# Processes start one after the other, each with all that it imports: on a busy machine that takes its time.
pytestmark = [pytest.mark.emulator, pytest.mark.timeout(300)]

END_SECONDS = 10.0
# A short breath between requests: what is tried is the restart, not the rate.
PAUSE = 0.05
REQUESTS_MIN = 60


@pytest.fixture
def url(tai_state_project):
    """A project of the emulator, as the service is told of it."""
    return f"firestore://{tai_state_project}"


def test_a_rolling_restart_of_fastapi_loses_and_doubles_nothing(url, tmp_path):
    """Each 2xx is stored once, each repetition is told the same, and only who is ending says 503."""
    with fleet_of("fastapi", 2, url, tmp_path) as fleet:

        def during():
            for server in list(fleet.servers):
                assert fleet.restart(server, patience(END_SECONDS)) < patience(END_SECONDS)

        load = Load(fleet, pause=PAUSE)
        heard = load.run(during, REQUESTS_MIN)
        with connect(url) as store:
            judge(heard, store, load.orders)


def test_a_rolling_restart_of_flask_loses_and_doubles_nothing(url, tmp_path):
    """All workers of a gunicorn give way to new ones while it serves."""
    with fleet_of("flask", 1, url, tmp_path, WEB_CONCURRENCY="2", WEB_THREADS="4") as fleet:
        (server,) = fleet.servers

        def during():
            server.process.send_signal(signal.SIGHUP)
            assert eventually(lambda: server.said().count("Booting worker") == 4), server.said()
            assert eventually(lambda: server.said().count("Worker exiting") == 2), server.said()

        load = Load(fleet, pause=PAUSE)
        heard = load.run(during, REQUESTS_MIN)
        with connect(url) as store:
            judge(heard, store, load.orders)
        server.end()
        assert server.ended(patience(END_SECONDS)) < patience(END_SECONDS)
