"""Keys over HTTP: values, operations, several of them."""

import pytest

KEY = "/v1/keys/visits/n"


async def test_a_key_has_a_value_and_a_version(world, call):
    """What the library keeps; the author is who was authenticated."""
    assert (await call.get(KEY)).status_code == 404
    put = await call.put(KEY, json={"value": {"$bytes": "AAE="}, "reason": "first"})
    assert (put.status_code, put.json(), put.headers["etag"]) == (
        200,
        {"value": {"$bytes": "AAE="}, "version": 1},
        '"1"',
    )
    got = await call.get(KEY)
    assert (got.json(), got.headers["etag"]) == ({"key": "n", "value": {"$bytes": "AAE="}}, '"1"')
    assert (await call.get(KEY, headers={"If-None-Match": '"1"'})).status_code == 304
    assert await world.server.service.keys("visits").get("n") == b"\0\1"
    (event,) = (await call.get(f"{KEY}/history")).json()["items"]
    assert (event["metadata"]["changed_by"], event["metadata"]["reason"]) == ("everything", "first")


async def test_a_key_is_set_only_where_there_is_none(call):
    """If-None-Match: * is a comparison with nothing; a version is asked of states alone."""
    none = {"If-None-Match": "*"}
    assert (await call.put(KEY, json={"value": None}, headers=none)).status_code == 200
    assert (await call.put(KEY, json={"value": 1}, headers=none)).status_code == 412
    for method, body in (("PUT", '{"value": 1}'), ("POST", '{"op": "increment"}'), ("DELETE", None)):
        answer = await call.request(method, KEY, content=body, headers={"If-Match": '"1"'})
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_header")


async def test_an_operation_tells_its_own_outcome(call):
    """Once under its key, of a type that fits."""
    key = {"Idempotency-Key": "k-1"}
    for _ in range(2):
        answer = await call.post(KEY, json={"op": "increment", "by": 2}, headers=key)
        assert (answer.status_code, answer.json()) == (200, {"value": 2, "version": 1})
    other = await call.post(KEY, json={"op": "increment", "by": 3}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    wrong = await call.post(KEY, json={"op": "push", "items": [1]})
    assert (wrong.status_code, wrong.json()["code"], wrong.json()["found"]) == (422, "key_type", "int")
    same = await call.post(KEY, json={"op": "compare_and_swap", "expected": 2, "new": 5})
    assert same.json()["value"] is True
    minimal = await call.post(KEY, json={"op": "decrement"}, headers={"Prefer": "return=minimal"})
    assert (minimal.status_code, minimal.content, minimal.headers["etag"]) == (204, b"", '"3"')
    assert (await call.delete(KEY)).json() == {"value": True, "version": 4}
    assert (await call.delete(KEY)).json() == {"value": False, "version": None}


@pytest.mark.parametrize(
    "body", [{"op": "update"}, {"op": "increment", "by": "x"}, {"op": "increment", "much": 1}], ids=str
)
async def test_an_operation_that_is_none_is_refused(call, body):
    """One that is not known, with a wrong argument, or with one that it does not have."""
    answer = await call.post(KEY, json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_data")


async def test_a_transaction_is_all_or_nothing_and_a_batch_is_each_for_itself(call):
    """What failed is told: as a problem, or in its place."""
    ops = [{"op": "set", "key": "a", "value": "x", "id": "one"}, {"op": "increment", "key": "a"}]
    refused = await call.post("/v1/keys/visits", json={"kind": "transaction", "ops": ops})
    assert (refused.status_code, refused.json()["code"], refused.json()["index"]) == (422, "key_transaction", 1)
    assert (await call.get("/v1/keys/visits")).json() == {"items": []}
    batch = (await call.post("/v1/keys/visits", json={"kind": "batch", "ops": ops})).json()["results"]
    assert batch[0] == {"id": "one", "value": "x", "version": 1, "error": None}
    assert (batch[1]["value"], batch[1]["error"]["code"]) == (None, "key_type")
    done = [{"op": "get", "key": "a"}, {"op": "set", "key": "b", "value": 1}]
    results = (await call.post("/v1/keys/visits", json={"kind": "transaction", "ops": done})).json()["results"]
    assert [one["value"] for one in results] == ["x", 1]


async def test_keys_are_listed_and_filtered(call):
    """In pages; a filter is a JSON value."""
    for number in range(5):
        await call.put(f"/v1/keys/visits/k-{number}", json={"value": {"n": number}})
    page = await call.get("/v1/keys/visits?limit=2&path=n&ge=1")
    assert [one["key"] for one in page.json()["items"]] == ["k-1", "k-2"]
    page = await call.get(page.links["next"]["url"])
    assert [one["value"]["n"] for one in page.json()["items"]] == [3, 4]
    assert (await call.get("/v1/keys/visits?eq=x")).status_code == 422
    assert (await call.get("/v1/governors?kind=keys")).json() == {"items": [{"governor_id": "visits"}]}
    assert (await call.delete("/v1/keys/visits?reason=gone")).json() == {"removed": 5}


async def test_a_token_reaches_the_groups_that_it_names(world, call):
    """In lists, too."""
    await call.put("/v1/keys/other/n", json={"value": 1})
    assert (await world.shops.put("/v1/keys/shop-1/n", json={"value": 1})).status_code == 200
    assert (await world.shops.get("/v1/governors?kind=keys")).json() == {"items": [{"governor_id": "shop-1"}]}
