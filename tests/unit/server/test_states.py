"""States over HTTP: started, moved, saved, read, deleted; with HTTP's own words."""

import pytest

from tai_state.documents import DocumentPath, Put
from tai_state.values import record_of

STATE = "/v1/governors/shop-1/states/o-1"


@pytest.fixture
async def order(call):
    """An order that is new."""
    assert (await call.post(STATE, json={"data": {"n": 1}, "machine": "order"})).status_code == 201


async def test_a_machine_is_started_and_moved(world, call):
    """The answers tell what the store has; the author is who was authenticated."""
    started = await call.post(
        STATE, json={"data": {"n": 1}, "machine": "order", "reason": "first", "labels": {"a": "b"}}
    )
    assert (started.status_code, started.headers["etag"], started.headers["location"]) == (201, '"1"', STATE)
    moved = await call.post(f"{STATE}/transitions", json={"action": "pay", "payload": 7})
    assert (moved.status_code, moved.headers["etag"]) == (200, '"2"')
    snapshot, version = await world.store.get_state("shop-1", "o-1")
    assert (version, snapshot.status, snapshot.data) == (2, "paid", {"n": 1, "paid": 7})
    told = moved.json()
    assert told.pop("snapshot") == record_of(snapshot)
    assert told == {"version": 2, "from_status": "new", "to_status": "paid", "replayed": False}
    events = [event async for event in world.store.get_events("shop-1", "o-1")]
    assert [(one.metadata.changed_by, one.metadata.reason) for one in events] == [
        ("everything", "first"),
        ("everything", ""),
    ]


async def test_a_state_is_read_as_the_library_tells_it(world, call, order):
    """Every field, in the form in which records are written."""
    answer = await call.get(STATE)
    assert answer.json() == record_of((await world.store.get_state("shop-1", "o-1"))[0])
    event = await call.get(f"{STATE}/events/1")
    (stored,) = [one async for one in world.store.get_events("shop-1", "o-1")]
    assert event.json() == record_of(stored)
    assert event.headers["etag"] == answer.headers["etag"] == '"1"'
    assert answer.headers["cache-control"] == "no-store"


async def test_what_json_does_not_know_comes_back(world, call):
    """Bytes, times, and what only looks like one of their tags."""
    data = {"b": {"$bytes": "AAE="}, "t": {"$time": "2026-01-02T03:04:05.000006+00:00"}, "m": {"$map": {"$time": "x"}}}
    await call.put(STATE, json={"data": data})
    snapshot, _ = await world.store.get_state("shop-1", "o-1")
    assert (snapshot.data["b"], snapshot.data["t"].microsecond, snapshot.data["m"]) == (b"\0\1", 6, {"$time": "x"})
    assert (await call.get(STATE)).json()["data"] == data


@pytest.mark.parametrize("number", ["9223372036854775808", "-9223372036854775809", "1" * 100])
async def test_an_int_that_no_store_holds_is_refused(call, number):
    """Else it would be another number, without a word; the largest, and what only looks like one, are taken."""
    refused = await call.put(STATE, content=f'{{"data": {{"n": [{number}]}}}}')
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
    for fine in ("9223372036854775807", "-9223372036854775808", f'"{number}"', f"{number[:25]}.5"):
        assert (await call.put(STATE, content=f'{{"data": {{"n": {fine}}}}}')).is_success


async def test_a_damaged_state_hides_no_other(world, call):
    """It is named beside those that can be read."""
    for number in range(3):
        await call.put(f"/v1/governors/g/states/s-{number}", json={"data": {}})
    backend = world.store.runtime.access.backend
    path = DocumentPath("governors/g/states", "s-1")
    await backend.commit([Put(path, {"deleted": False, "version": "none"})], timeout=None)
    page = (await call.get("/v1/governors/g/states")).json()
    assert [one["state_id"] for one in page["items"]] == ["s-0", "s-2"]
    assert page["damaged"] == ["s-1"]


async def test_what_is_logged_of_a_request_ends_no_line(call, caplog):
    """Its path as it was sent, and nothing that stands behind it."""
    caplog.set_level("INFO", "tai_state.server")
    await call.get("/v1/governors/a%0Ab/states?after=secret")
    assert "GET /v1/governors/a%0Ab/states 200" in caplog.text
    assert "secret" not in caplog.text


async def test_the_version_is_the_etag(call, order):
    """A read of what one has costs no body; a change of what one has not is refused."""
    assert (await call.get(STATE, headers={"If-None-Match": '"1"'})).status_code == 304
    assert (await call.get(STATE, headers={"If-None-Match": 'W/"1", "7"'})).status_code == 304
    assert (await call.get(STATE, headers={"If-None-Match": '"2"'})).status_code == 200
    stale = await call.post(f"{STATE}/transitions", json={"action": "pay"}, headers={"If-Match": '"7"'})
    assert (stale.status_code, stale.json()["code"], stale.json()["actual"]) == (412, "version_conflict", 1)
    moved = await call.post(f"{STATE}/transitions", json={"action": "pay"}, headers={"If-Match": '"1"'})
    assert (moved.status_code, moved.headers["etag"]) == (200, '"2"')


async def test_a_state_is_saved_only_where_there_is_none(call):
    """If-None-Match: * is expected_version=0."""
    none = {"If-None-Match": "*"}
    assert (await call.put(STATE, json={"data": {}}, headers=none)).status_code == 201
    again = await call.put(STATE, json={"data": {}}, headers=none)
    assert (again.status_code, again.json()["code"]) == (412, "version_conflict")
    assert (await call.put(STATE, json={"data": {}})).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"If-Match": "7"},
        {"If-Match": '"1", "2"'},
        {"If-None-Match": '"1"'},
        {"If-None-Match": "*", "If-Match": '"1"'},
        {"Idempotency-Key": ""},
        {"Idempotency-Key": "a, b"},
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
async def test_a_header_that_cannot_be_followed_is_refused(call, order, method, headers):
    """It is never taken for one that is not there."""
    path, body = (f"{STATE}/transitions", '{"action": "pay"}') if method == "POST" else (STATE, '{"data": {}}')
    answer = await call.request(method, path, content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_header")


async def test_a_change_is_made_once_under_its_key(world, call, order):
    """Again it is told the same, and that it is; another request under the key is refused."""
    key = {"Idempotency-Key": '"pay-1"'}
    first = await call.post(f"{STATE}/transitions", json={"action": "pay", "payload": 1}, headers=key)
    again = await call.post(f"{STATE}/transitions", json={"action": "pay", "payload": 1}, headers=key)
    assert (first.headers["idempotency-replayed"], again.headers["idempotency-replayed"]) == ("false", "true")
    assert first.json() | {"replayed": True} == again.json()
    other = await call.post(f"{STATE}/transitions", json={"action": "pay", "payload": 2}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    assert (await world.store.get_state("shop-1", "o-1"))[1] == 2


async def test_a_caller_who_wants_no_body_gets_none(call):
    """Prefer: return=minimal; the headers tell what there is to tell."""
    minimal = {"Prefer": "return=minimal"}
    saved = await call.put(STATE, json={"data": {}}, headers=minimal)
    deleted = await call.delete(STATE, headers=minimal)
    for answer, etag in ((saved, '"1"'), (deleted, '"2"')):
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (204, b"", etag)
        assert answer.headers["preference-applied"] == "return=minimal"
        assert "content-length" not in answer.headers


async def test_what_the_machine_does_not_allow_is_refused_with_what_it_allows(call, order):
    """An operator's next question."""
    answer = await call.post(f"{STATE}/transitions", json={"action": "ship"})
    assert (answer.status_code, answer.json()["code"]) == (422, "transition_not_allowed")
    assert answer.json()["allowed"] == ["pay", "break"]


async def test_what_a_machine_raises_is_told_to_the_log_alone(call, order, caplog):
    """Neither the answer nor the log has the text of the error, which holds data."""
    answer = await call.post(f"{STATE}/transitions", json={"action": "break", "payload": "secret-name"})
    assert answer.status_code == 500
    assert "secret-name" not in answer.text + caplog.text


async def test_a_state_that_is_not_there_is_told_so(call):
    """Whatever is asked of it."""
    for method, path, body in (
        ("GET", STATE, None),
        ("GET", f"{STATE}/events/1", None),
        ("DELETE", STATE, None),
        ("POST", f"{STATE}/transitions", {"action": "pay", "machine": "order"}),
        ("POST", f"{STATE}/transitions", {"action": "pay"}),
        ("POST", f"{STATE}/rollback", {"to_version": 1}),
        ("POST", f"{STATE}/snapshots", None),
    ):
        answer = await call.request(method, path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "state_not_found"), path


async def test_a_state_goes_back_and_is_seen_as_it_was(call, order):
    """By its version, by its time, and by a new version with old content."""
    await call.post(f"{STATE}/transitions", json={"action": "pay"})
    then = await call.get(STATE, params={"version": 1})
    assert (then.json()["status"], then.headers["etag"]) == ("new", '"1"')
    at = await call.get(STATE, params={"at": then.json()["timestamp"]})
    assert at.json()["version"] == 1
    back = await call.post(f"{STATE}/rollback", json={"to_version": 1, "reason": "wrong"}, headers={"If-Match": '"2"'})
    assert (back.status_code, back.json()["to_status"], back.headers["etag"]) == (200, "new", '"3"')
    assert (await call.get(STATE, params={"version": 9})).status_code == 404
    assert (await call.get(STATE, params={"at": "2026-01-01T00:00:00"})).status_code == 422


async def test_a_snapshot_is_kept_and_found(call, order):
    """By hand, listed, and by its version."""
    made = await call.post(f"{STATE}/snapshots")
    assert (made.status_code, made.headers["etag"]) == (201, '"1"')
    assert (await call.get(f"{STATE}/snapshots")).json() == {"items": [made.json()]}
    assert (await call.get(f"{STATE}/snapshots/1")).json() == made.json()
    missing = await call.get(f"{STATE}/snapshots/2")
    assert (missing.status_code, missing.json()["code"]) == (404, "snapshot_not_found")
    for wrong in ("0", "x", "9" * 30, "-1"):
        assert (await call.get(f"{STATE}/snapshots/{wrong}")).status_code == 422


async def test_the_machine_of_a_state_is_found_by_the_state(call):
    """Where the server knows several, and the caller names none; also behind a new beginning under another one."""
    await call.post(STATE, json={"machine": "bell"})
    assert (await call.post(f"{STATE}/transitions", json={"action": "ring"})).json()["to_status"] == "ringing"
    await call.delete(STATE)
    await call.post(STATE, json={"machine": "order"})
    assert (await call.post(f"{STATE}/transitions", json={"action": "pay"})).json()["to_status"] == "paid"


async def test_a_machine_that_is_not_named_and_cannot_be_told_is_asked_for(call):
    """A start names it where there are several; one that is not known is told with those that are."""
    bodies: list[dict[str, str]] = [{}, {"machine": "door"}]
    for body in bodies:
        answer = await call.post(STATE, json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
        assert "bell, order" in answer.json()["errors"][0]["message"]
    assert [one["name"] for one in (await call.get("/v1/machines")).json()["items"]] == ["order", "bell"]
    assert (await call.get("/v1/machines/bell")).json()["statuses"] == ["still", "ringing"]
    assert (await call.get("/v1/machines/door")).status_code == 404


@pytest.mark.parametrize("name", ["a/b", "../x", "%2F", "a b", "ä🙂", "?x=1#y", "<script>", "\u202eabc", "a;b", "-"])
async def test_an_id_is_what_it_is(world, call, name):
    """In each place of a path, encoded as a part of it."""
    from urllib.parse import quote  # noqa: PLC0415 - of this test alone

    path = f"/v1/governors/{quote(name, safe='')}/states/{quote(name, safe='')}"
    started = await call.post(path, json={"machine": "bell"})
    assert (started.status_code, started.headers["location"]) == (201, path)
    assert (await world.store.get_state(name, name))[1] == 1
    assert (await call.get(path)).json()["state_id"] == name
    assert (await call.get("/v1/governors")).json()["items"] == [{"governor_id": name}]


async def test_lists_have_pages_that_lead_on(call):
    """By Link alone, with what else was asked for."""
    for number in range(5):
        await call.put(f"/v1/governors/g/states/s-{number}", json={"data": {}, "status": "on", "labels": {"of": "x"}})
    for number in range(3):
        await call.put("/v1/governors/g/states/s-0", json={"data": {"n": number}})
    for first, names, key in (
        ("/v1/governors/g/states?status=on&limit=2", ["s-0", "s-1", "s-2", "s-3", "s-4"], "state_id"),
        ("/v1/governors/g/states?descending=true&limit=3", ["s-4", "s-3", "s-2", "s-1", "s-0"], "state_id"),
        ("/v1/states?label=of%3Dx&limit=2", ["s-0", "s-1", "s-2", "s-3", "s-4"], "state_id"),
        ("/v1/governors/g/states/s-0/events?limit=1", [1, 2, 3, 4], "version"),
        ("/v1/governors/g/states/s-0/events?limit=3&descending=true", [4, 3, 2, 1], "version"),
        ("/v1/governors/g/events?limit=3&changed_by=everything", [1, 1, 1, 1, 1, 2, 3, 4], "version"),
    ):
        found, pages, path = [], 0, first
        while path:
            page = await call.get(path)
            found += [one[key] for one in page.json()["items"]]
            path = page.links.get("next", {}).get("url")
            pages += 1
        assert (found, pages > 1) == (names, True)


async def test_several_states_are_read_as_of_one_moment(call, order):
    """By their ids."""
    found = (await call.get("/v1/governors/shop-1/states", params={"id": ["o-1", "o-2"]})).json()
    assert (list(found["found"]), found["missing"], found["damaged"]) == (["o-1"], ["o-2"], [])
    too_many = await call.get("/v1/governors/shop-1/states", params={"id": [str(number) for number in range(40)]})
    assert too_many.status_code == 200


async def test_a_governor_is_counted(call, order):
    """By the engine; and looked at as a whole."""
    assert (await call.get("/v1/governors/shop-1")).json() == {"governor_id": "shop-1", "states": 1}
    assert (await call.get("/v1/governors/shop-1?status=paid")).json()["states"] == 0
    assert (await call.get("/v1/governors/shop-1/stats")).json()["by_status"] == {"new": 1}


async def test_a_list_of_governors_has_those_that_a_token_reaches(world, call):
    """The others are not told of; and so are states of all governors."""
    for name in ("other", "shop-1", "shop-2", "zoo"):
        await call.put(f"/v1/governors/{name}/states/s", json={"data": {}, "labels": {"a": "b"}})
    page = await world.shops.get("/v1/governors?limit=1")
    assert page.json()["items"] == [{"governor_id": "shop-1"}]
    page = await world.shops.get(page.links["next"]["url"])
    assert (page.json()["items"], page.links) == ([{"governor_id": "shop-2"}], {})
    assert (await world.shops.get("/v1/states?label=a%3Db")).status_code == 403
    found = await world.shops.get("/v1/states?label=a%3Db&governor=shop-2")
    assert [one["governor_id"] for one in found.json()["items"]] == ["shop-2"]


async def test_head_is_get_without_its_body(call, order):
    """The headers are the same."""
    head, get = await call.head(STATE), await call.get(STATE)
    assert (head.status_code, head.content, dict(head.headers)) == (200, b"", dict(get.headers))
