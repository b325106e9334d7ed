"""One story over HTTP on each engine: the server knows none of them."""

import pytest

from tai_state import async_connect
from tests.unit.server.streams import following
from tests.unit.server.world import BELL, ORDER, TOKENS, client_of, tokens

STATE = "/v1/governors/shop-1/states/a%2Fb"
ALL = TOKENS["everything"]


@pytest.fixture(params=["sqlite", pytest.param("firestore", marks=pytest.mark.emulator)])
async def server(request, tmp_path):
    """A server over an empty store of each kind, which feeds."""
    from tai_state.server import app  # noqa: PLC0415 - other tests need not wait for the frameworks

    url = f"sqlite:///{tmp_path}/s.db"
    if request.param == "firestore":
        url = f"firestore://{request.getfixturevalue('tai_state_project')}"
    async with async_connect(url, feed=True) as store:
        yield app(store, machines=[ORDER, BELL], auth=tokens())


async def test_a_story_is_the_same_on_each_engine(server):
    """Moves under keys and versions, a lock, a key, a job, a check, and what has changed."""
    async with client_of(server, ALL) as call:
        key = {"Idempotency-Key": "start"}
        for replayed in ("false", "true"):
            started = await call.post(STATE, json={"machine": "order", "data": {"n": 1}}, headers=key)
            assert (started.status_code, started.headers["idempotency-replayed"]) == (201, replayed)
        lock = (await call.post("/v1/locks/desk", json={"ttl": 60})).json()
        moved = await call.post(
            f"{STATE}/transitions",
            json={"action": "pay", "payload": 7},
            headers={"If-Match": '"1"', "Lock-Ticket": lock["ticket"]},
        )
        assert (moved.status_code, moved.json()["snapshot"]["data"]) == (200, {"n": 1, "paid": 7})
        assert (
            await call.post(f"{STATE}/transitions", json={"action": "ship"}, headers={"If-Match": '"1"'})
        ).status_code == 412
        assert (await call.delete("/v1/locks/desk", headers={"Lock-Ticket": lock["ticket"]})).status_code == 204
        assert (await call.post("/v1/keys/k/n", json={"op": "increment", "by": 2})).json()["value"] == 2
        assert (await call.post("/v1/jobs/mail", json={"payload": 1, "job_id": "j"})).status_code == 201
        ticket = (await call.post("/v1/claims/mail")).json()["ticket"]
        done = await call.post("/v1/jobs/mail/j/complete", json={"result": 3}, headers={"Job-Ticket": ticket})
        assert done.json()["status"] == "succeeded"
        assert [
            one["state_id"] for one in (await call.get("/v1/governors/shop-1/states?status=paid")).json()["items"]
        ] == ["a/b"]
        assert (await call.get("/v1/governors/shop-1")).json()["states"] == 1
        assert (await call.get(STATE, params={"version": 1})).json()["status"] == "new"
        async with following(server, "/v1/changes?governor=shop-1", ALL) as stream:
            told = [(await stream.event())[1] for _ in range(2)]
        assert [one["event"]["action"] for one in told] == ["start", "pay"]
        assert told[1]["event"]["fencing_token"] == lock["fencing_token"]
