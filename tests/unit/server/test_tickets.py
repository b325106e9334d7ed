"""Locks and jobs over HTTP: held by their tickets, through restarts of the server."""

import asyncio

import pytest

from tests.unit.server.world import World

STATE = "/v1/governors/shop-1/states/o-1"
LOCK = "/v1/locks/desk"
JOBS = "/v1/jobs/mail"


@pytest.fixture
async def held(call):
    """The ticket of a lock that is held."""
    answer = await call.post(LOCK, json={"owner": "me", "ttl": 60})
    assert answer.status_code == 201
    return answer.json()["ticket"]


async def enter(call, state=STATE, ticket=None):
    headers = {} if ticket is None else {"Lock-Ticket": ticket}
    return await call.put(state, json={"data": {}}, headers=headers)


# Locks


async def test_a_lock_is_held_by_its_ticket(call, held):
    """Nobody else gets it until it is released, which tells so twice; its owner has the name of who asks."""
    told = (await call.get(LOCK)).json()
    assert (told["held"], told["holder"], told["fencing_token"], told["ttl_seconds"]) == (True, "everything:me", 1, 60)
    taken = await call.post(LOCK)
    assert (taken.status_code, taken.json()["code"], "everything" in taken.text) == (409, "lock_timeout", False)
    renewed = await call.put(LOCK, json={"ttl": 90}, headers={"Lock-Ticket": held})
    assert (renewed.status_code, renewed.json()["fencing_token"]) == (200, 1)
    assert (await call.get(LOCK)).json()["ttl_seconds"] == 90
    for _ in range(2):
        assert (await call.delete(LOCK, headers={"Lock-Ticket": held})).status_code == 204
    assert (await call.put(LOCK, headers={"Lock-Ticket": held})).json()["code"] == "lock_lost"
    assert (await call.post(LOCK)).json()["fencing_token"] == 2


@pytest.mark.parametrize("how", ["held", "guarding", "renewed", "mistaken"])
async def test_a_ticket_outlives_the_server(world, held, how):
    """One that ends in order releases nothing, whatever it did with the lock; the next one goes on with it."""
    if how == "guarding":
        assert (await enter(world.everything, "/v1/governors/g/states/s", held)).status_code == 201
    elif how != "held":
        path = LOCK if how == "renewed" else "/v1/locks/other"
        answer = await world.everything.put(path, headers={"Lock-Ticket": held})
        assert answer.status_code == (200 if how == "renewed" else 400)
    assert await world.server.service.serving.drain() is True
    async with World.opened() as other:
        # The same place, as a new process has it.
        other.server.service.store.runtime.access.backend._engine = world.store.runtime.access.backend._engine
        assert (await enter(other.everything, ticket=held)).status_code == 201
        (event,) = (await other.everything.get(f"{STATE}/events")).json()["items"]
        assert event["fencing_token"] == 1
        assert (await other.everything.delete(LOCK, headers={"Lock-Ticket": held})).status_code == 204
        late = await enter(other.everything, ticket=held)
        assert (late.status_code, late.json()["code"]) == (409, "lock_lost")


async def test_a_lock_that_is_broken_guards_nothing_more(world, call, held):
    """Whose grant is meant is said by its token, and why."""
    assert (await call.post(f"{LOCK}/break", json={"token": 7, "reason": "stuck"})).json()["code"] == "fenced_out"
    assert (await call.post(f"{LOCK}/break", json={"token": 1, "reason": ""})).status_code == 422
    assert (await call.post(f"{LOCK}/break", json={"token": 1, "reason": "stuck"})).status_code == 204
    assert (await enter(call, ticket=held)).json()["code"] == "lock_lost"
    assert await world.store.exists("shop-1", "o-1") is False


async def test_several_locks_are_acquired_together_and_guard_together(call, held):
    """All of them, or none."""
    wanted = {"resources": ["a", "b"], "ttl": 60}
    locks = (await call.post("/v1/locks", json=wanted)).json()["locks"]
    tickets = ", ".join(lock["ticket"] for lock in locks)
    assert (await enter(call, ticket=tickets)).status_code == 201
    assert (await call.post("/v1/locks", json={"resources": ["c", "desk"]})).status_code == 409
    assert (await call.get("/v1/locks/c")).json().get("held", False) is False
    names = [lock["resource"] for lock in (await call.get("/v1/locks")).json()["items"]]
    assert names == ["a", "b", "desk"]
    page = await call.get("/v1/locks?limit=1&after=a")
    assert [lock["resource"] for lock in page.json()["items"]] == ["b"]
    assert page.links["next"]["url"] == "/v1/locks?limit=1&after=b"


async def test_one_ticket_guards_many_at_once(call, held):
    """Whoever has it may use it from several places; none of them is in the way of another."""
    made = await asyncio.gather(*[enter(call, f"/v1/governors/g/states/s-{number}", held) for number in range(8)])
    assert [answer.status_code for answer in made] == [201] * 8


@pytest.mark.parametrize("ticket", [None, "none", "other"])
async def test_a_ticket_that_is_not_the_locks_is_refused(call, held, ticket):
    """None at all, no ticket, and that of another lock."""
    other = (await call.post("/v1/locks/other")).json()["ticket"]
    headers = {} if ticket is None else {"Lock-Ticket": other if ticket == "other" else ticket}
    for method in ("PUT", "DELETE"):
        answer = await call.request(method, LOCK, headers=headers)
        assert answer.status_code == (422 if ticket == "none" else 400)
    assert (await call.get(LOCK)).json()["held"] is True


async def test_a_ticket_of_a_lock_that_is_out_of_reach_guards_nothing(world, held):
    """A token's patterns count for the lock, too; so for several, and in lists."""
    assert (await enter(world.shops, ticket=held)).status_code == 403
    assert (await world.shops.post("/v1/locks", json={"resources": ["shop-1", "desk"]})).status_code == 403
    assert (await world.shops.get("/v1/locks")).json() == {"items": []}
    assert (await world.everything.get("/v1/locks/none")).status_code == 404


# Jobs


@pytest.fixture
async def claimed(call):
    """A job that was claimed."""
    assert (await call.post(JOBS, json={"payload": {"to": "ann"}, "job_id": "j-1"})).status_code == 201
    answer = await call.post("/v1/claims/mail", json={"worker": "w-1", "lease": 30})
    assert (answer.status_code, answer.json()["payload"], answer.json()["attempts"]) == (200, {"to": "ann"}, 1)
    return {"Job-Ticket": answer.json()["ticket"]}


async def test_a_job_is_put_there_once(call):
    """Under its own id, or the idempotency key; another one under the same is refused."""
    for _ in range(2):
        answer = await call.post(JOBS, json={"payload": 1}, headers={"Idempotency-Key": "j-1"})
        assert (answer.status_code, answer.json(), answer.headers["location"]) == (201, {"id": "j-1"}, f"{JOBS}/j-1")
    other = await call.post(JOBS, json={"payload": 2, "job_id": "j-1"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    assert (await call.get(JOBS)).json()["counts"]["queued"] == 1
    later = await call.post(JOBS, json={"at": "2126-01-01T00:00:00+00:00", "reason": "later"})
    assert (await call.get(later.headers["location"])).json()["due_at"].startswith("2126")
    (event,) = (await call.get(f"/v1/governors/jobs%3Amail/states/{later.json()['id']}/events")).json()["items"]
    assert event["metadata"]["reason"] == "later"


@pytest.mark.parametrize(
    ("how", "body", "status"),
    [
        ("complete", {"result": 7}, "succeeded"),
        ("fail", {"error": "no", "retry": False}, "failed"),
        ("fail", {"error": "no"}, "queued"),
        ("release", {}, "queued"),
    ],
)
async def test_a_claim_ends_once(call, claimed, how, body, status):
    """Of another end nothing is done; whoever lost the answer to a completion is told it again."""
    assert (await call.post(f"{JOBS}/j-1/{how}", json=body, headers=claimed)).json()["status"] == status
    for other, wanted in (("complete", {}), ("fail", {"error": "x"}), ("release", {})):
        again = await call.post(f"{JOBS}/j-1/{other}", json=wanted, headers=claimed)
        if how == other == "complete":
            assert (again.json()["result"], again.headers["idempotency-replayed"]) == (7, "true")
        else:
            assert (again.status_code, again.json()["code"]) == (409, "lock_lost")
    assert (await call.get(f"{JOBS}/j-1")).json()["status"] == status


async def test_a_claim_is_kept_by_heartbeats_and_lost_to_a_hand(call, claimed):
    """Nothing else is due meanwhile; a cancelled job is nobody's."""
    assert (await call.post("/v1/claims/mail")).status_code == 204
    assert (await call.post(f"{JOBS}/j-1/heartbeat", headers=claimed)).status_code == 204
    assert (await call.post(f"{JOBS}/j-1/cancel", json={"reason": "stop"})).json()["status"] == "cancelled"
    for path, body in (("heartbeat", None), ("complete", {})):
        answer = await call.post(f"{JOBS}/j-1/{path}", json=body, headers=claimed)
        assert (answer.status_code, answer.json()["code"]) == (409, "lock_lost")
    assert (await call.put(f"{JOBS}/j-1/status", json={"status": "running"})).json()["code"] == "transition_not_allowed"


async def test_a_job_is_brought_to_a_status_by_hand(call, claimed):
    """With its last error, or none."""
    failed = await call.put(f"{JOBS}/j-1/status", json={"status": "failed", "error": "lost"})
    assert (failed.json()["status"], failed.json()["last_error"]) == ("failed", "lost")
    queued = await call.put(f"{JOBS}/j-1/status", json={"status": "queued", "error": None})
    assert (queued.json()["status"], queued.json()["last_error"]) == ("queued", None)


@pytest.mark.parametrize("ticket", [None, "none", "other"])
async def test_a_ticket_that_is_not_the_jobs_is_refused(call, claimed, ticket):
    """None at all, no ticket, and that of another job."""
    await call.post(JOBS, json={"job_id": "j-2"})
    other = (await call.post("/v1/claims/mail")).json()["ticket"]
    headers = {} if ticket is None else {"Job-Ticket": other if ticket == "other" else ticket}
    answer = await call.post(f"{JOBS}/j-1/complete", headers=headers)
    assert answer.status_code == (422 if ticket == "none" else 400)
    assert (await call.get(f"{JOBS}/j-1")).json()["status"] == "running"


async def test_a_job_that_is_not_there_is_told_so(call):
    """And a queue that has none."""
    assert (await call.get(f"{JOBS}/none")).json()["code"] == "state_not_found"
    assert (await call.post("/v1/claims/mail")).status_code == 204
