"""Clients in other languages: an answer that is cut off is none, and the request is made again."""

import socket
import subprocess
import sys
import threading

import pytest

from tests.integration.server.killed import CLIENTS

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n"
ANSWER = b'{"value":7}'
RUBY = (
    "ruby", "-r", str(CLIENTS / "ruby" / "client.rb"), "-e",
    'puts TaiState::Client.new(ARGV[0], "t").call("POST", "/v1/keys/n", { "op" => "get" }, key: "k")["value"]',
)  # fmt: skip
SCRIPT = """
import sys

sys.path.insert(0, sys.argv[2])
import client

print(client.Client(sys.argv[1], "t").call("POST", "/v1/keys/n", {"op": "get"}, key="k")["value"])
"""
PYTHON = (sys.executable, "-c", SCRIPT)


@pytest.fixture
def address():
    """A server whose first answer has no body, whose second has half of one, and whose third is whole."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve():
        for body in (b"", ANSWER[:5], ANSWER):
            connection, _ = listening.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(HEAD + body)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    listening.close()
    thread.join(10)


@pytest.mark.more
@pytest.mark.parametrize("words", [RUBY, PYTHON], ids=["ruby", "python"])
def test_an_answer_that_is_cut_off_is_none(address, words):
    """Neither one without a body, nor one with a part of it."""
    told = subprocess.run(
        [*words, address, str(CLIENTS / "python")], capture_output=True, text=True, timeout=60, check=False
    )
    assert (told.stdout, told.returncode) == ("7\n", 0), told.stderr
