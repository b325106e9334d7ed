"""``serve``: what it refuses to begin, and the tokens that it makes; that it serves is shown in tests/integration."""

import json
import socket
import sys

import pytest
from click.testing import CliRunner

from tai_state.cli import main
from tai_state.server import hash_token

MOVER = """
class Gate:
    name, version, fingerprint = "gate", 1, "brass"

    def start(self, data):
        return "locked", data

    def move(self, status, data, action, payload):
        return "open", data

GATE = Gate()
"""


@pytest.fixture
def serve(tmp_path, monkeypatch):
    """Call the command in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def call(*words):
        return CliRunner().invoke(main, ["--json", "serve", *words])

    return call


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])
def test_nobody_serves_other_machines_without_saying_who_may_do_what(serve, host):
    """It does not even begin, and makes no store."""
    result = serve("--host", host)
    assert (result.exit_code, json.loads(result.stderr)["error"]) == (2, "usage")
    assert "--auth FILE" in result.stderr


def test_an_address_that_is_taken_is_told(serve):
    """As bad usage."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = serve("--port", str(taken.getsockname()[1]))
    assert (result.exit_code, "cannot be had" in result.stderr) == (2, True)


def test_a_mover_is_not_served(serve, tmp_path, monkeypatch):
    """The console shows what machines are made of, and of a mover nobody knows: it is told before anything listens."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "gates", raising=False)
    (tmp_path / "gates.py").write_text(MOVER)
    result = serve("--machine", "gates:GATE", "--port", "0")
    assert (result.exit_code, json.loads(result.stderr)["error"]) == (2, "usage")
    assert "name a Machine, not 'gate'" in result.stderr


def test_a_file_of_tokens_that_cannot_be_read_is_told(serve, tmp_path):
    """As any bad configuration."""
    (tmp_path / "auth.json").write_text("{}")
    result = serve("--auth", "auth.json")
    assert (result.exit_code, json.loads(result.stderr)["error"]) == (2, "configuration")


def test_a_token_is_made_for_the_file(serve):
    """It, and its hash, as the file has it."""
    made = json.loads(serve("--new-token").stdout)
    assert made["sha256"] == hash_token(made["token"])


def test_what_is_not_installed_is_named(serve, monkeypatch):
    """With what installs it; it is an extra of the package."""
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    result = serve()
    assert (result.exit_code, "pip install 'tai_state[server]'" in result.stderr) == (2, True)
