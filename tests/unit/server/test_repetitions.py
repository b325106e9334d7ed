"""Every route that takes an idempotency key, asked again; and every one that somebody can be in the way of."""

import json

import pytest

from tai_state.sagas import Saga, Step
from tai_state.server import Token, hash_token
from tai_state.server.application import TABLE
from tests.unit.server.world import TOKENS, World

# What is asked, by the operation's name, and what is asked under the same key then.
REPEATED = {
    "save_state": ("PUT", "/v1/governors/g/states/s", {"data": {"n": 1}}, {"data": {"n": 2}}),
    "start_machine": (
        "POST",
        "/v1/governors/g/states/new",
        {"machine": "order"},
        {"machine": "order", "data": {"n": 2}},
    ),
    "delete_state": ("DELETE", "/v1/governors/g/states/s", None, None),
    "transition": ("POST", "/v1/governors/g/states/o/transitions", {"action": "pay"}, {"action": "pay", "payload": 2}),
    "rollback": ("POST", "/v1/governors/g/states/s/rollback", {"to_version": 1}, {"to_version": 2}),
    "set_key": ("PUT", "/v1/keys/k/a", {"value": 1}, {"value": 2}),
    "delete_key": ("DELETE", "/v1/keys/k/b", None, None),
    "change_key": ("POST", "/v1/keys/k/n", {"op": "increment"}, {"op": "increment", "by": 2}),
    "change_keys": (
        "POST",
        "/v1/keys/k",
        {"kind": "transaction", "ops": [{"op": "increment", "key": "n"}]},
        {"kind": "transaction", "ops": [{"op": "increment", "key": "n", "by": 2}]},
    ),
    "enqueue_job": ("POST", "/v1/jobs/mail", {"payload": 1}, {"payload": 2}),
    "acquire_lock": ("POST", "/v1/locks/r", {"owner": "till"}, {"owner": "till", "ttl": 5.0}),
    "acquire_locks": ("POST", "/v1/locks", {"resources": ["a", "b"]}, {"resources": ["a", "b", "c"]}),
    "start_saga": ("POST", "/v1/governors/g/sagas/o", {"saga": "order", "data": 1}, {"saga": "order", "data": 2}),
}
OF_A_VERSION = ("save_state", "transition", "delete_state", "rollback")


@pytest.fixture
async def world():
    """A server with a state at version 2, an order that is new, and two keys."""
    async with World.opened(sagas=[Saga("order", [Step("pay", lambda _: None)])]) as world:
        call = world.everything
        for number in range(2):
            await call.put("/v1/governors/g/states/s", json={"data": {"before": number}})
        await call.post("/v1/governors/g/states/o", json={"machine": "order"})
        for key in ("b", "c"):
            await call.put(f"/v1/keys/k/{key}", json={"value": 1})
        yield world


async def counted(world):
    """Count all changes there are."""
    count = 0
    for governor in ("g", world.server.service.keys("k").governor_id, "jobs:mail"):
        count += (await world.store.stats(governor)).versions
    return count


def ask(call, name, body, **headers):
    method, path, _, _ = REPEATED[name]
    content = None if body is None else json.dumps(body)
    return call.request(method, path, content=content, headers=headers)


def test_every_route_with_a_key_is_asked_again():
    """One that is new stands in the table, or this fails."""
    assert set(REPEATED) == {route.name for route in TABLE.routes if "Idempotency-Key" in route.headers}


@pytest.mark.parametrize("name", REPEATED)
async def test_what_is_asked_again_under_its_key_is_done_once(world, name):
    """And told the same."""
    _, _, body, _ = REPEATED[name]
    key = {"Idempotency-Key": '"k-1"'}
    first = await ask(world.everything, name, body, **key)
    assert first.is_success, first.text
    before = await counted(world)
    again = await ask(world.everything, name, body, **key)
    assert again.status_code == first.status_code
    assert {**again.json(), "replayed": 0} == {**first.json(), "replayed": 0}
    assert await counted(world) == before


async def test_a_lock_is_given_again_to_whom_it_was_given(world):
    """Under the same key of somebody else, or another owner of the same token, it is another request."""
    key = {"Idempotency-Key": '"k-1"'}
    given = await world.everything.post("/v1/locks/shop-1", json={"owner": "till"}, headers=key)
    assert given.status_code == 201
    for caller, owner in ((world.shops, "till"), (world.everything, "desk")):
        refused = await caller.post("/v1/locks/shop-1", json={"owner": owner}, headers=key)
        assert (refused.status_code, refused.json()["code"]) == (409, "lock_timeout")
        assert given.json()["ticket"] not in refused.text
    await world.everything.delete("/v1/locks/shop-1", headers={"Lock-Ticket": given.json()["ticket"]})
    anew = await world.everything.post("/v1/locks/shop-1", json={"owner": "till"}, headers=key)
    assert anew.json()["fencing_token"] == given.json()["fencing_token"] + 1


async def test_a_lock_is_given_again_to_nobody_who_is_called_alike():
    """Neither to a token whose name is that of an owner of another one, under the same key, nor the other way round."""
    names = {"everything": "shop", "shops": "shop:till"}
    async with World.opened(auth=[Token(name, hash_token(TOKENS[who])) for who, name in names.items()]) as world:
        key = {"Idempotency-Key": '"k-1"'}
        given = await world.everything.post("/v1/locks/r", json={"owner": "till"}, headers=key)
        assert (given.status_code, given.json()["owner"]) == (201, "shop:till")
        refused = await world.shops.post("/v1/locks/r", headers=key)
        assert (refused.status_code, refused.json()["code"]) == (409, "lock_timeout")


@pytest.mark.parametrize("name", [name for name, case in REPEATED.items() if case[2] != case[3]])
async def test_another_request_under_the_same_key_is_refused(world, name):
    """Whatever it is; nothing is done."""
    _, _, body, other = REPEATED[name]
    key = {"Idempotency-Key": '"k-1"'}
    await ask(world.everything, name, body, **key)
    before = await counted(world)
    refused = await ask(world.everything, name, other, **key)
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_mismatch")
    assert await counted(world) == before


async def test_another_deletion_under_the_same_key_is_refused(world):
    """It has no body to differ in, but an operation it may not be."""
    key = {"Idempotency-Key": '"k-1"'}
    await ask(world.everything, "save_state", {"data": {}}, **key)
    refused = await ask(world.everything, "delete_state", None, **key)
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_mismatch")


@pytest.mark.parametrize("name", OF_A_VERSION)
async def test_a_change_of_another_version_is_refused(world, name):
    """412, with the version that there is; nothing is done."""
    _, _, body, _ = REPEATED[name]
    before = await counted(world)
    refused = await ask(world.everything, name, body, **{"If-Match": '"9"'})
    assert (refused.status_code, refused.json()["code"], refused.json()["expected"]) == (412, "version_conflict", 9)
    assert await counted(world) == before


def test_every_route_of_a_version_is_asked_with_another_one():
    """One that is new stands in the list, or this fails."""
    assert set(OF_A_VERSION) == {route.name for route in TABLE.routes if "If-Match" in route.headers}


async def test_a_machine_is_not_started_where_there_is_a_state(world):
    """With its version; under If-None-Match, too."""
    for headers in ({}, {"If-None-Match": "*"}):
        refused = await world.everything.post("/v1/governors/g/states/o", json={"machine": "order"}, headers=headers)
        assert (refused.status_code, refused.json()["code"], refused.json()["version"]) == (409, "state_exists", 1)


@pytest.mark.parametrize("name", ["save_state", "transition", "delete_state", "rollback", "change_key", "change_keys"])
async def test_a_change_under_a_ticket_that_is_lost_is_refused(world, name):
    """Its lock was released; nothing is done."""
    ticket = (await world.everything.post("/v1/locks/desk")).json()["ticket"]
    held = {"Lock-Ticket": ticket}
    assert (await ask(world.everything, name, REPEATED[name][2], **held)).is_success
    await world.everything.delete("/v1/locks/desk", headers=held)
    before = await counted(world)
    refused = await ask(world.everything, name, REPEATED[name][2], **held)
    assert (refused.status_code, refused.json()["code"]) == (409, "lock_lost")
    assert await counted(world) == before
