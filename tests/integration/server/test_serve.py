"""``tai-state serve`` from an empty folder, and its end."""

import json
import signal
import urllib.parse

from tai_state import Machine, SqliteStore, Transition
from tai_state.server import hash_token
from tests.integration.server.served import serving

ORDER = Machine("order", "new", [Transition("pay", "new", "paid")])
STATE = "/v1/governors/shop-1/states/o-1"


def test_one_line_serves_an_empty_folder(tmp_path):
    """It prints its address, a token for this run, and a link that logs in once; SIGTERM ends it in order."""
    (tmp_path / "order.json").write_text(ORDER.to_json())
    with serving(tmp_path, "--machine", "order.json") as server:
        assert server.call("GET", "/health/ready").json() == {"ok": True}
        assert server.call("GET", STATE, Authorization="Bearer none").status == 401
        assert server.call("POST", STATE, {"data": {"n": 1}}).status == 201
        assert server.call("POST", f"{STATE}/transitions", {"action": "pay"}).json()["to_status"] == "paid"
        link = server.told["login"].removeprefix(server.address)
        assert [server.call("GET", link).status for _ in range(2)] == [200, 401]
        assert server.call("GET", "/v1/governors").headers["server"] is None
        code, errors = server.end()
    assert code in {0, -signal.SIGTERM}
    # Neither the token nor the link is in the log.
    assert server.told["token"] not in errors
    assert urllib.parse.urlsplit(server.told["login"]).query not in errors
    with SqliteStore(tmp_path / "tai_state.db") as store:
        assert store.get_state("shop-1", "o-1")[1] == 2


def test_ctrl_c_ends_it(tmp_path):
    """With the exit code of what was interrupted, and no traceback."""
    with serving(tmp_path) as server:
        assert server.call("GET", "/health/live").status == 200
        code, errors = server.end(signal.SIGINT)
    assert code == 130
    assert "Traceback" not in errors


def test_who_may_do_what_comes_from_a_file(tmp_path):
    """Then there is no token of this run, and no link."""
    token = "shop-token-0123456789"
    told = {"tokens": [{"name": "shop", "sha256": hash_token(token), "access": "read-only", "governors": ["shop-*"]}]}
    (tmp_path / "auth.json").write_text(json.dumps(told))
    with serving(tmp_path, "--auth", "auth.json", "--host", "0.0.0.0") as server:
        assert list(server.told) == ["address"]
        server.told["address"] = server.address.replace("0.0.0.0", "127.0.0.1")
        header = {"Authorization": f"Bearer {token}"}
        assert server.call("GET", "/v1/governors", **header).json() == {"items": []}
        assert server.call("GET", "/v1/governors/other", **header).status == 403
