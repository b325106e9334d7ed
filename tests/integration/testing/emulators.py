"""What the tests of the emulator's launcher share: a stand-in for Java, and what looks at processes."""

import http.client
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
"""Where the package and the emulator's rules are."""

# As the emulator behaves to its launcher: it says where it listens, answers, ends when it is asked to or by a
# signal, and names a port that is taken. A real one costs seconds of a processor with each start.
STAND_IN = """#!{python} -IS
import http.server, os, socketserver, sys
if "-version" in sys.argv:
    print('openjdk version "17.0.15" 2025-04-15')
    sys.exit()
port = next(int(one.partition("=")[2]) for one in sys.argv if one.startswith("--port="))
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def do_POST(self):
        self.do_GET()
        self.wfile.flush()
        os._exit(0)
socketserver.TCPServer.allow_reuse_address = True
try:
    server = socketserver.TCPServer(("127.0.0.1", port), Handler)
except OSError as error:
    sys.exit(f"java.net.BindException: {{error}}")
print(f"it listens: http://127.0.0.1:{{port}}", flush=True)
server.serve_forever()
"""


def make_stand_in(home: Path) -> None:
    """Put a program that behaves as the emulator's Java into the Java *home*."""
    write_program(home / "bin" / "java", STAND_IN.format(python=sys.executable))


def make_java(path: Path, version: str) -> None:
    """Put a program at *path* that says it is Java *version*."""
    write_program(path, f"#!/bin/sh\necho 'openjdk version \"{version}\" 2020-01-01' >&2\n")


def write_program(path: Path, text: str) -> None:
    """Make a file that can be run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def running(pid: int) -> bool:
    """Say whether *pid* is in the process table and not a zombie."""
    said = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return said.stdout.strip() not in {"", "Z", "Zs", "Z+"}


def write_document(host: str, project: str, *, token: str | None = "owner") -> int:
    """Create a document over REST and return the HTTP status."""
    connection = http.client.HTTPConnection(host, timeout=60)
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    try:
        connection.request("POST", f"/v1/projects/{project}/databases/(default)/documents/c", '{"fields": {}}', headers)
        return connection.getresponse().status
    finally:
        connection.close()


def count_documents(host: str, project: str) -> int:
    """Return how many documents ``write_document`` has left."""
    connection = http.client.HTTPConnection(host, timeout=60)
    path = f"/v1/projects/{project}/databases/(default)/documents/c"
    try:
        connection.request("GET", path, headers={"Authorization": "Bearer owner"})
        return len(json.load(connection.getresponse()).get("documents", []))
    finally:
        connection.close()
