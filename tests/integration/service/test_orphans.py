"""A test run that is killed leaves no server behind."""

import os
import socket
import subprocess
import sys

import pytest

from tests.integration.service.fleet import ROOT
from tests.waits import eventually

# Two workers each: uvicorn spawns them, gunicorn forks them.
RUN = """
import sys, time
from pathlib import Path
from tests.integration.service.fleet import fleet_of
from tests.waits import eventually

kind, store, folder, word = sys.argv[1:]
with fleet_of(kind, 1, store, Path(folder), WEB_CONCURRENCY="2") as fleet:
    (server,) = fleet.servers
    assert eventually(lambda: server.said().count(word) == 2), server.said()
    print(server.port, flush=True)
    time.sleep(600)
"""


def is_bound(port):
    """Whether any process holds the port, also one that does not answer."""
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.more
@pytest.mark.parametrize(
    ("kind", "word"),
    [("fastapi", "Application startup complete"), ("flask", "Booting worker")],
    ids=["fastapi", "flask"],
)
def test_a_killed_run_leaves_no_server(kind, word, tmp_path):
    """Neither the server nor one of its workers."""
    command = [sys.executable, "-c", RUN, kind, f"sqlite:///{tmp_path / 'orders.db'}", str(tmp_path), word]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as run:
        assert run.stdout is not None
        try:
            port = int(run.stdout.readline())
            assert is_bound(port)
        finally:
            run.kill()
        assert eventually(lambda: not is_bound(port))
