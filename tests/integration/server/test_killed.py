"""A server that is killed with SIGKILL under load: every change that a client was told of is there once."""

import subprocess
import sys

import pytest

from tests.integration.server.killed import CLIENTS, judge, run

PYTHON = (sys.executable, str(CLIENTS / "python" / "example.py"))
RUBY = ("ruby", str(CLIENTS / "ruby" / "example.rb"))
NODE = ("node", str(CLIENTS / "typescript" / "dist" / "example.js"))


@pytest.fixture(scope="module")
def typescript():
    """The client in TypeScript, its types made from docs/openapi.json, compiled."""
    folder = CLIENTS / "typescript"
    for words in (("ci", "--no-audit", "--no-fund"), ("run", "build")):
        made = subprocess.run(["npm", *words], cwd=folder, capture_output=True, text=True, check=False)
        assert made.returncode == 0, made.stdout + made.stderr


def test_a_killed_server_loses_and_doubles_nothing(tmp_path):
    """The client sends what it has no answer to again, under its key."""
    clients = run(tmp_path, {"python": PYTHON}, kills=2, moves=60, rate=60, seed=1)
    judge(tmp_path, clients)


@pytest.mark.more
@pytest.mark.timeout(600)
@pytest.mark.usefixtures("typescript")
def test_a_server_killed_twenty_times_loses_and_doubles_nothing(tmp_path):
    """Under a hundred requests a second of clients in three languages, each two for a move."""
    commands = {"python": PYTHON, "ruby": RUBY, "typescript": NODE}
    clients = run(tmp_path, commands, kills=20, moves=500, rate=17, seed=2)
    judge(tmp_path, clients)
