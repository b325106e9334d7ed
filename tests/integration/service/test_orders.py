"""What the example service answers, on FastAPI and on Flask."""

import pytest

ORDER = "/orders/shop/o-1"
ADD = {"sku": "tea", "quantity": 2}


def keyed(key):
    return {"Idempotency-Key": key}


@pytest.fixture
async def started(call):
    """An order is there, at version 1."""
    answer = await call("POST", ORDER, json={"customer": "ann"})
    assert (answer.status_code, answer.headers["ETag"]) == (201, '"1"')
    return call


def problem(answer):
    """Return status and code of a problem, which has the form of one."""
    assert answer.headers["Content-Type"] == "application/problem+json"
    told = answer.json()
    assert told["status"] == answer.status_code
    assert {"type", "title", "code"} <= set(told)
    return told["status"], told["code"]


async def test_an_order_goes_its_way(started):
    """Each move is told with the new version as its entity tag, and what may be done next."""
    added = await started("POST", f"{ORDER}/add", json=ADD)
    assert (added.status_code, added.headers["ETag"], added.json()["data"]["items"]) == (200, '"2"', {"tea": 2})
    paid = await started("POST", f"{ORDER}/pay", json={"amount": 500})
    assert (paid.json()["status"], paid.json()["actions"]) == ("paid", ["ship", "cancel"])
    assert (await started("POST", f"{ORDER}/ship")).json()["version"] == 4
    read = await started("GET", ORDER)
    assert (read.headers["ETag"], read.json()["status"]) == ('"4"', "shipped")


async def test_a_repetition_under_a_key_is_told_the_same(started):
    """Also where the request expects the version that it has replaced itself."""
    headers = keyed("k-1") | {"If-Match": '"1"'}
    first = await started("POST", f"{ORDER}/add", json=ADD, headers=headers)
    again = await started("POST", f"{ORDER}/add", json=ADD, headers=headers)
    assert first.headers["Idempotency-Replayed"] == "false"
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (200, "true")
    assert again.json() == first.json()
    assert (await started("GET", ORDER)).json()["version"] == 2


async def test_a_start_may_be_repeated_under_its_key(call):
    """And is a conflict without it."""
    for replayed in ("false", "true"):
        answer = await call("POST", ORDER, json={"customer": "ann"}, headers=keyed('"k-1"'))
        assert (answer.status_code, answer.headers["Idempotency-Replayed"]) == (201, replayed)
    assert problem(await call("POST", ORDER, json={"customer": "ann"})) == (409, "state_exists")


async def test_a_key_stands_for_one_request(started):
    """Another one under it is refused."""
    await started("POST", f"{ORDER}/add", json=ADD, headers=keyed("k-1"))
    other = await started("POST", f"{ORDER}/add", json={"sku": "milk"}, headers=keyed("k-1"))
    assert problem(other) == (422, "idempotency_mismatch")


async def test_another_version_than_if_match_names_is_refused(started):
    """With the version that the order has."""
    await started("POST", f"{ORDER}/add", json=ADD)
    refused = await started("POST", f"{ORDER}/add", json=ADD, headers={"If-Match": '"1"'})
    assert problem(refused) == (412, "version_conflict")
    assert (refused.json()["expected"], refused.json()["actual"]) == (1, 2)


async def test_what_the_machine_does_not_allow_is_refused(started):
    """With what it does allow; an action that there is not is the same to it."""
    refused = await started("POST", f"{ORDER}/ship")
    assert problem(refused) == (422, "transition_not_allowed")
    assert refused.json()["allowed"] == ["add", "pay", "cancel"]
    assert problem(await started("POST", f"{ORDER}/fly")) == (422, "transition_not_allowed")


async def test_an_order_that_is_not_there(call):
    """Nothing of it can be read or moved."""
    for method, path in (("GET", ORDER), ("GET", f"{ORDER}/history"), ("POST", f"{ORDER}/ship")):
        assert problem(await call(method, path)) == (404, "state_not_found")


async def test_a_history_comes_in_pages(started):
    """Each says after which version the next one begins, and the last one that there is none."""
    await started("POST", f"{ORDER}/add", json=ADD, headers=keyed("k-1"))
    first = (await started("GET", f"{ORDER}/history", params={"limit": 1})).json()
    assert ([event["action"] for event in first["events"]], first["after"]) == (["start"], 1)
    second = (await started("GET", f"{ORDER}/history", params={"limit": 1, "after": 1})).json()
    assert ([event["key"] for event in second["events"]], second["after"]) == (["k-1"], None)
    assert (await started("GET", f"{ORDER}/history", params={"after": 2})).json() == {"events": [], "after": None}


@pytest.mark.parametrize(
    ("path", "options", "status"),
    [
        (ORDER, {"json": {"customer": ""}}, 422),
        (ORDER, {"json": {}}, 422),
        (ORDER, {}, 422),
        (f"{ORDER}/add", {"json": {"sku": "no blanks"}}, 422),
        (f"{ORDER}/add", {"json": {"sku": "tea", "secret": 1}}, 422),
        (f"{ORDER}/add", {"json": ["tea"]}, 422),
        (f"{ORDER}/ship", {"json": {"by": "air"}}, 422),
        (f"{ORDER}/ship", {"headers": keyed("")}, 400),
        (f"{ORDER}/ship", {"headers": {"If-Match": "1"}}, 400),
        (f"{ORDER}/ship", {"headers": {"If-Match": '"one"'}}, 412),
        ("/orders/shop/%00/ship", {}, 404),
        (f"/orders/shop/{'x' * 1_000}/ship", {}, 422),
        ("/orders/shop", {}, 404),
    ],
)
async def test_what_cannot_be_is_refused(call, path, options, status):
    """In the form of every other problem, and never as a failure of the service."""
    assert problem(await call("POST", path, **options))[0] == status


async def test_a_body_has_a_bound(call):
    """Nobody fills the memory of the service; FastAPI itself says so, in its own words."""
    for sent in (b"x" * 65_537, b'{"customer": "' + b"x" * 200_000 + b'"}'):
        refused = await call("POST", ORDER, content=sent, headers={"Content-Type": "application/json"})
        assert refused.status_code == 413


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"[" * 60_000,
        b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
        b'{"sku": "tea", "quantity": ' + b"9" * 5_000 + b"}",
        b'{"sku": "\xff"}',
        b'{"sku": "tea", "\\ud800": 1}',
    ],
    ids=["torn", "deep", "deep and whole", "huge", "no text", "half a character"],
)
async def test_no_json_is_refused(started, content):
    """As a fault of the caller, whatever it does to the reader."""
    headers = {"Content-Type": "application/json"}
    assert problem(await started("POST", f"{ORDER}/add", content=content, headers=headers))[0] in {400, 422}


@pytest.mark.parametrize(
    "query", [{"limit": 0}, {"limit": 101}, {"limit": "x"}, {"after": -1}, {"after": 2**63}, {"after": "9" * 5_000}]
)
async def test_a_page_has_bounds(started, query):
    """Nobody asks for all at once."""
    assert problem(await started("GET", f"{ORDER}/history", params=query))[0] == 422


async def test_a_path_that_is_none_and_a_method_that_is_none(call):
    """Are problems, too; the methods that there are are told."""
    assert problem(await call("GET", "/nothing")) == (404, "not_found")
    refused = await call("DELETE", ORDER)
    assert problem(refused) == (405, "method_not_allowed")
    assert {"GET", "POST"} & set(refused.headers["Allow"].replace(" ", "").split(","))


async def test_the_service_tells_how_it_is(call):
    """That it lives, and that its store answers."""
    assert (await call("GET", "/health/live")).json() == {"ok": True}
    assert (await call("GET", "/health/ready")).json() == {"ok": True, "backend": "Memory"}


async def test_the_service_tells_what_its_store_did(started):
    """In Prometheus' form, and without the name of any shop."""
    answer = await started("GET", "/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert "tai_state_" in answer.text
    assert "start" in answer.text
    assert "shop" not in answer.text
