"""What is left of the table of all routes: who is kept out where no path names what is his, conflicts, repetitions.

test_doors.py walks every route for tokens, bodies and queries; test_repetitions.py those that take a key, or a version.
"""

import asyncio

import pytest

from tai_state.sagas import Saga, Step
from tai_state.server.application import TABLE
from tai_state.server.http.routes import KINDS, Needs
from tests.unit.server.streams import following
from tests.unit.server.world import TOKENS, World

STATE, JOB, SAGA, LOCK = "/v1/governors/g/states/o", "/v1/jobs/q/j", "/v1/governors/g/sagas/s", "/v1/locks/desk"

# What names somebody's in no part of its path: how somebody else asks for it, and what he is told.
ELSEWHERE = {
    "list_governors": ("GET", "/v1/governors", None, []),
    "find_states": ("GET", "/v1/states?label=a=b&governor=g", None, 403),
    "acquire_locks": ("POST", "/v1/locks", {"resources": ["shop-1", "vault"]}, 403),
    "list_locks": ("GET", "/v1/locks?held=false", None, []),
    "verify": ("POST", "/v1/verifications", {"governor": "g"}, 403),
    "recover": ("POST", "/v1/recoveries", {"governor": "g", "dry_run": True}, 403),
    "list_operations": ("GET", "/v1/operations", None, []),
    "get_operation": ("GET", "/v1/operations/{operation}", None, 404),
    "stop_operation": ("DELETE", "/v1/operations/{operation}", None, 404),
}
OF_ALL: dict[str, tuple[str, str, dict[str, str] | None]] = {
    "find_states": ("GET", "/v1/states?label=a=b", None),
    "verify": ("POST", "/v1/verifications", {}),
    "recover": ("POST", "/v1/recoveries", {}),
}
NOBODYS = {"list_machines", "get_machine", "openapi"}
STREAMS = {"follow_changes"}

# Where something stands in the way: what is asked, and the code that tells of it.
CONFLICTS = {
    "start_machine": ("POST", STATE, {"machine": "order"}, "state_exists"),
    "save_state": ("PUT", STATE, {"data": {}, "expected_status": "shipped"}, "status_conflict"),
    "delete_state": ("DELETE", f"{STATE}?expected_status=shipped", None, "status_conflict"),
    "transition": ("POST", f"{STATE}/transitions", {"action": "ship"}, "transition_not_allowed"),
    "rollback": ("POST", f"{STATE}/rollback", {"to_version": 9}, "version_not_found"),
    "change_key": ("POST", "/v1/keys/k/text", {"op": "increment"}, "key_type"),
    "change_keys": (
        "POST",
        "/v1/keys/k",
        {"kind": "transaction", "ops": [{"op": "increment", "key": "text"}]},
        "key_transaction",
    ),
    "acquire_lock": ("POST", LOCK, {"owner": "other"}, "lock_timeout"),
    "acquire_locks": ("POST", "/v1/locks", {"resources": ["a", "desk"], "owner": "other"}, "lock_timeout"),
    "renew_lock": ("PUT", "/v1/locks/gone", None, "lock_lost"),
    "break_lock": ("POST", f"{LOCK}/break", {"token": 9, "reason": "r"}, "fenced_out"),
    "enqueue_job": ("POST", "/v1/jobs/q", {"job_id": "j", "payload": 2}, "idempotency_mismatch"),
    "heartbeat_job": ("POST", "/v1/jobs/q/lost/heartbeat", None, "lock_lost"),
    "complete_job": ("POST", "/v1/jobs/q/lost/complete", {}, "lock_lost"),
    "fail_job": ("POST", "/v1/jobs/q/lost/fail", {"error": "e"}, "lock_lost"),
    "release_job": ("POST", "/v1/jobs/q/lost/release", {}, "lock_lost"),
    "cancel_job": ("POST", "/v1/jobs/q/done/cancel", {}, "transition_not_allowed"),
    "update_job": ("PUT", "/v1/jobs/q/done/status", {"status": "running"}, "transition_not_allowed"),
    "start_saga": ("POST", SAGA, {"saga": "order", "data": 2}, "idempotency_mismatch"),
    "compensate_saga": ("POST", SAGA, None, "transition_not_allowed"),
    "retry_saga": ("POST", SAGA, None, "transition_not_allowed"),
}
NONE = {
    *("set_key", "delete_key", "clear_keys", "create_snapshot", "claim_job", "release_lock"),
    *("recover", "stop_operation"),
}
"""Those that nothing stands in the way of: a key is set and deleted whatever it has (but for ``If-None-Match``)."""

# What takes no key, asked twice: the statuses.
TWICE = {
    "create_snapshot": ("POST", f"{STATE}/snapshots", None, (201, 201)),
    "clear_keys": ("DELETE", "/v1/keys/k", None, (200, 200)),
    "renew_lock": ("PUT", LOCK, None, (200, 200)),
    "release_lock": ("DELETE", LOCK, None, (204, 204)),
    "break_lock": ("POST", f"{LOCK}/break", {"token": 1, "reason": "r"}, (204, 409)),
    "claim_job": ("POST", "/v1/claims/q", {}, (200, 204)),
    "heartbeat_job": ("POST", "/v1/jobs/q/mine/heartbeat", None, (204, 204)),
    "complete_job": ("POST", "/v1/jobs/q/mine/complete", {"result": 1}, (200, 200)),
    "fail_job": ("POST", "/v1/jobs/q/mine/fail", {"error": "e"}, (200, 409)),
    "release_job": ("POST", "/v1/jobs/q/mine/release", {}, (200, 409)),
    "cancel_job": ("POST", "/v1/jobs/q/j/cancel", {}, (200, 422)),
    "update_job": ("PUT", "/v1/jobs/q/j/status", {"status": "cancelled"}, (200, 422)),
    "compensate_saga": ("POST", f"{SAGA}/compensate", {"reason": "r"}, (200, 422)),
    "retry_saga": ("POST", f"{SAGA}/retry", {}, (200, 200)),
    "recover": ("POST", "/v1/recoveries", {"dry_run": True}, (202, 202)),
    "stop_operation": ("DELETE", "/v1/operations/{operation}", None, (202, 202)),
}


def writes():
    return {one.name for one in TABLE.routes if one.needs is Needs.WRITE}


class Cells:
    """A server with one of everything, and what guards it."""

    def __init__(self, world):
        self.world = world
        self.tickets: dict[str, dict[str, str]] = {}
        self.operation = ""

    async def fill(self):
        call = self.world.everything
        await call.post(STATE, json={"machine": "order"})
        await call.put("/v1/keys/k/text", json={"value": "no number"})
        await call.post(SAGA, json={"saga": "order", "data": 1})
        for lock in ("desk", "gone"):
            ticket = (await call.post(f"/v1/locks/{lock}", json={"ttl": 60.0})).json()["ticket"]
            self.tickets[lock] = {"Lock-Ticket": ticket}
        await call.delete("/v1/locks/gone", headers=self.tickets["gone"])
        await call.post("/v1/locks/gone", json={"owner": "other"})
        for job in ("lost", "done", "mine"):
            await call.post("/v1/jobs/q", json={"job_id": job})
            claimed = await call.post("/v1/claims/q", json={})
            self.tickets[job] = {"Job-Ticket": claimed.json()["ticket"]}
        await call.put("/v1/jobs/q/lost/status", json={"status": "failed"})
        await call.post("/v1/jobs/q/done/complete", headers=self.tickets["done"])
        await call.post("/v1/jobs/q", json={"job_id": "j"})
        self.operation = (await call.post("/v1/verifications", json={"governor": "g"})).json()["id"]
        await asyncio.gather(*self.world.server.service.background._tasks)

    async def ask(self, method, path, body=None, *, caller="everything"):
        path = path.format(operation=self.operation)
        headers = next((held for name, held in self.tickets.items() if f"/{name}" in path), {})
        return await getattr(self.world, caller).request(method, path, json=body, headers=headers)


@pytest.fixture
async def cells():
    """One of everything."""
    async with World.opened(sagas=[Saga("order", [Step("pay", lambda _: None)])]) as world:
        cells = Cells(world)
        await cells.fill()
        yield cells
        await asyncio.gather(*world.server.service.background._tasks)


def test_every_route_without_an_owner_in_its_path_is_looked_at():
    """One that is new stands in a table, or this fails."""
    free = {
        one.name for one in TABLE.routes if one.needs is not Needs.NOTHING and KINDS.keys().isdisjoint(one.parameters)
    }
    assert free == {*ELSEWHERE, *NOBODYS, *STREAMS}


@pytest.mark.parametrize("name", ELSEWHERE)
async def test_what_is_somebody_elses_is_not_reached_by_another_way(cells, name):
    """Named in a body or a query, or found in a list: it is refused, or not there."""
    method, path, body, expected = ELSEWHERE[name]
    for stranger in ("shops", "nothing"):
        answer = await cells.ask(method, path, body, caller=stranger)
        if isinstance(expected, list):
            assert (answer.status_code, answer.json()["items"]) == (200, expected)
        else:
            assert answer.status_code == expected
    assert (await cells.ask(method, path, body)).status_code < 400


@pytest.mark.parametrize("name", OF_ALL)
async def test_what_is_of_all_is_for_who_reaches_all(cells, name):
    """Whoever reaches some names one of them."""
    method, path, body = OF_ALL[name]
    assert (await cells.ask(method, path, body, caller="shops")).status_code == 403
    assert (await cells.ask(method, path, body)).status_code < 400


async def test_changes_of_somebody_elses_are_not_followed(cells):
    """Neither named, nor among all."""
    assert (await cells.world.shops.get("/v1/changes?governor=g")).status_code == 403
    await cells.world.everything.post("/v1/governors/shop-1/states/s", json={"machine": "bell"})
    async with following(cells.world.server, "/v1/changes", TOKENS["shops"]) as stream:
        told: list[dict[str, str]] = []
        while not any(told):
            told.append((await stream.event())[1])
    assert told[-1]["governor_id"] == "shop-1"


def test_every_change_is_looked_at_for_conflicts():
    """One that is new stands in the table, or this fails."""
    assert {*CONFLICTS, *NONE} == writes()
    assert CONFLICTS.keys().isdisjoint(NONE)


@pytest.mark.parametrize("name", CONFLICTS)
async def test_what_stands_in_the_way_is_told(cells, name):
    """By its code, as a conflict or as what cannot be done; and nothing is changed."""
    method, path, body, code = CONFLICTS[name]
    if name.endswith("_saga") and name != "start_saga":
        await cells.ask("POST", f"{SAGA}/compensate")
        path = f"{SAGA}/{name.removesuffix('_saga')}"
    before = [await cells.ask("GET", one) for one in (STATE, LOCK, "/v1/jobs/q", SAGA, "/v1/keys/k")]
    refused = await cells.ask(method, path, body)
    assert (refused.status_code in {404, 409, 410, 412, 422}, refused.json()["code"]) == (True, code)
    after = [await cells.ask("GET", one) for one in (STATE, LOCK, "/v1/jobs/q", SAGA, "/v1/keys/k")]
    assert [told(one) for one in after] == [told(one) for one in before]


def told(answer):
    """Return what stands in an answer, but for what time changes."""
    return {name: value for name, value in answer.json().items() if name not in {"remaining_seconds", "expires_at"}}


def test_every_change_without_a_key_is_asked_twice():
    """One that is new stands in the table, or this fails."""
    keyed = {one.name for one in TABLE.routes if "Idempotency-Key" in one.headers}
    assert set(TWICE) == writes() - keyed


@pytest.mark.parametrize("name", TWICE)
async def test_what_is_asked_twice_without_a_key_is_told_what_became_of_it(cells, name):
    """Done once: the second time it tells the same, or that there is nothing to do."""
    method, path, body, statuses = TWICE[name]
    answers = [await cells.ask(method, path, body) for _ in range(2)]
    assert tuple(one.status_code for one in answers) == statuses, [one.text for one in answers]
