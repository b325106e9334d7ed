"""The server and its description agree: by schemathesis, which sends what docs/openapi.json allows, and what not."""

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from tai_state import Machine, Transition
from tests.integration.server.served import ROOT, serving

PROGRAM = ROOT / ".venvs" / "schemathesis" / "bin" / "st"
EXPECTED = Path(__file__).with_name("schemathesis.toml")
ORDER = Machine("order", "new", [Transition("pay", "new", "paid"), Transition("ship", "paid", "shipped")])
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "unsupported_method",
    "allow_header_conformance",
    "ignored_auth",
)
STREAMS = "changes$"
"""What answers without an end is tried elsewhere."""


@pytest.mark.more
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("phases", "seconds"), [("coverage,fuzzing", 90), ("stateful", 60)])
def test_what_is_described_is_what_is_answered(tmp_path, phases, seconds):
    """No failure of the server's own, no answer that is not described, and nothing taken that is not allowed.

    Of one request alone, and of requests that follow one another: what an answer gives, its ids and its Location, is
    what the next ones ask for.
    """
    assert PROGRAM.exists(), "make clients installs it"
    (tmp_path / "order.json").write_text(ORDER.to_json())
    with serving(tmp_path, "--machine", "order.json") as server:
        command = [str(PROGRAM), "--config-file", str(EXPECTED), "run"]
        command += [str(ROOT / "docs" / "openapi.json"), "--url", server.address]
        command += ["--header", f"Authorization: Bearer {server.told['token']}", "--exclude-path-regex", STREAMS]
        command += ["--phases", phases, "--checks", ",".join(CHECKS), "--max-examples", "10"]
        command += ["--max-time", str(seconds), "--request-timeout", "60"]
        env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        made = subprocess.run(
            [*command, "--seed", "1", "--no-color"],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            check=False,
            timeout=400,
        )
        assert made.returncode == 0, made.stdout + made.stderr
        # Once those that were asked for have ended.
        verified = server.call("POST", "/v1/verifications", {})
        while verified.status == 503:
            time.sleep(1)
            verified = server.call("POST", "/v1/verifications", {})
        assert json.loads(verified.content)["status"] in {"running", "done"}
