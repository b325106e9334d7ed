"""What takes longer than a request, sagas, and what the server takes at most."""

import asyncio
import json

import pytest

from tai_state import AsyncStateMachinePersister
from tai_state.documents import DocumentPath
from tai_state.sagas import AsyncSagaRunner, Saga, Step
from tai_state.server import Limits
from tests.unit.server.world import ORDER, World

SAGA = "/v1/governors/shop-1/sagas/o-1"


async def ended(call, path):
    """Return an operation once it has ended."""
    async with asyncio.timeout(30):
        while not (told := (await call.get(path)).json())["ended_at"]:  # noqa: ASYNC110 - over HTTP
            await asyncio.sleep(0.01)
    return told


async def begun(call, what, **body):
    answer = await call.post(f"/v1/{what}", json=body)
    assert (answer.status_code, answer.headers["retry-after"]) == (202, "1")
    return answer.headers["location"]


async def damage(world):
    """Damage a state."""
    persister = AsyncStateMachinePersister(world.store, ORDER)
    await persister.start("shop-1", "o-1", {})
    await persister.transition("shop-1", "o-1", "pay")
    backend = world.store.runtime.access.backend
    await backend.commit([_deleted(DocumentPath("governors/shop-1/states", "o-1"))], timeout=None)


def _deleted(path):
    from tai_state.documents import Delete  # noqa: PLC0415 - of this test alone

    return Delete(path)


async def test_a_store_is_checked_and_made_sound_in_the_background(world, call):
    """How far it has come is told, and what it found; who repaired is who asked."""
    await damage(world)
    await world.store.save_state("other", "s", {})
    found = await ended(call, await begun(call, "verifications"))
    assert (found["status"], found["sound"], found["by"]) == ("done", 2, "everything")
    assert [report["governor_id"] for report in found["reports"]] == ["shop-1"]
    dry = await ended(call, await begun(call, "recoveries", dry_run=True, governor="shop-1"))
    assert dry["reports"][0]["is_dry_run"] is True
    mended = await ended(call, await begun(call, "recoveries", reason="a crash"))
    assert [len(report["repaired"]) for report in mended["reports"]] == [1]
    again = await ended(call, await begun(call, "verifications", governor="shop-1", state="o-1"))
    assert (again["reports"], again["states"]) == ([], 1)
    kinds = [one["kind"] for one in (await call.get("/v1/operations")).json()["items"]]
    assert kinds == ["verify", "recover", "recover", "verify"]


async def test_an_operation_is_reached_by_whom_its_governor_is_reached(world, call):
    """Of all governors by whoever reaches all; a reader may check, and not repair."""
    everywhere, of_shop = await begun(call, "verifications"), await begun(call, "verifications", governor="shop-1")
    assert (await world.shops.get(everywhere)).status_code == 404
    assert (await world.shops.get(of_shop)).status_code == 200
    assert [one["governor_id"] for one in (await world.shops.get("/v1/operations")).json()["items"]] == ["shop-1"]
    for body in ({}, {"governor": "other"}):
        assert (await world.shops.post("/v1/verifications", json=body)).status_code == 403
    assert (await world.reader.post("/v1/verifications")).status_code == 202
    assert (await call.post("/v1/verifications", json={"state": "s"})).status_code == 422


@pytest.mark.parametrize("how", ["asked", "drained"])
async def test_an_operation_can_be_stopped(world, call, how):
    """By whoever may, and by the end of the process; what it did stays."""
    for number in range(3):
        await world.store.save_state("g", f"s-{number}", {})
    path = await begun(call, "verifications")
    operation = world.server.service.background.operations[path.rpartition("/")[2]]
    if how == "asked":
        assert (await call.delete(path)).status_code == 202
    else:
        world.server.service.serving.draining = True
    async with asyncio.timeout(30):
        while operation.ended_at is None:  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.01)
    assert (operation.status, operation.states) == ("stopped", 0)
    world.server.service.serving.draining = False


async def test_operations_are_bounded():
    """The oldest that has ended goes; where all run, one more is told to come back."""
    async with World.opened(limits=Limits(operations=2)) as world:
        first = await begun(world.everything, "verifications")
        await ended(world.everything, first)
        for _ in range(2):
            await ended(world.everything, await begun(world.everything, "verifications"))
        assert (await world.everything.get(first)).status_code == 404
        for operation in world.server.service.background.operations.values():
            operation.ended_at = None
        assert (await world.everything.post("/v1/verifications")).status_code == 503


async def test_an_operation_that_fails_tells_how(world, call, monkeypatch):
    """As a problem; what nobody expected tells nothing."""
    from tai_state import StoreUnavailableError  # noqa: PLC0415 - of this test alone

    for error, code in ((StoreUnavailableError("away"), "store_unavailable"), (KeyError("secret"), "internal")):

        def failing(*_, error=error, **__):
            raise error

        monkeypatch.setattr("tai_state.server.http.upkeep.async_verify", failing)
        told = await ended(call, await begun(call, "verifications"))
        assert (told["status"], told["error"]["code"]) == ("failed", code)


# Sagas


@pytest.fixture
async def shop():
    """A server that may start sagas, and what brings them forward."""

    async def pay(ctx):
        if ctx.data["card"] == "expired":
            message = "the card has expired"
            raise ValueError(message)

    order = Saga("order", [Step("pay", pay, pay)])
    async with World.opened(sagas=[order]) as world:
        world.runner = AsyncSagaRunner(world.store, [order])
        yield world


async def test_a_saga_is_started_once_and_told(shop):
    """By its id; its runner is elsewhere."""
    for _ in range(2):
        started = await shop.everything.post(SAGA, json={"saga": "order", "data": {"card": "fine"}})
        assert (started.status_code, started.json()["status"], started.headers["location"]) == (201, "running", SAGA)
    other = await shop.everything.post(SAGA, json={"saga": "order", "data": {"card": "other"}})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    assert await shop.runner.run_due() == 1
    assert (await shop.everything.get(SAGA)).json()["status"] == "completed"
    assert (await shop.everything.get("/v1/governors/shop-1/sagas?status=running")).json() == {"items": []}
    assert len((await shop.everything.get("/v1/governors/shop-1/sagas?limit=1")).json()["items"]) == 1


async def test_a_saga_is_turned_back_and_let_go_on_by_hand(shop):
    """Where that leads nowhere it is refused."""
    await shop.everything.post(SAGA, json={"saga": "order", "data": {"card": "fine"}})
    turned = await shop.everything.post(f"{SAGA}/compensate", json={"reason": "wrong"})
    assert (turned.json()["status"], turned.json()["reason"]) == ("compensated", "wrong")
    again = await shop.everything.post(f"{SAGA}/compensate")
    assert (again.status_code, again.json()["code"]) == (422, "transition_not_allowed")
    assert (await shop.everything.post(f"{SAGA}/retry")).status_code == 422


async def test_a_saga_that_is_not_known_is_refused(shop, call):
    """A definition with those that are known; an id that was never started."""
    unknown = await shop.everything.post(SAGA, json={"saga": "none"})
    assert (unknown.status_code, "order" in unknown.text) == (422, True)
    assert (await call.post(SAGA, json={"saga": "order"})).status_code == 422
    for method, path in (("GET", SAGA), ("POST", f"{SAGA}/retry"), ("POST", f"{SAGA}/compensate")):
        assert (await shop.everything.request(method, path)).json()["code"] == "state_not_found"


# What is taken at most


async def test_one_request_more_than_may_be_under_way_is_refused():
    """Nothing was done; health is told all the same."""
    async with World.opened(limits=Limits(requests=1)) as world:
        with world.server.service.request():
            refused = await world.everything.get("/v1/governors")
            assert (refused.status_code, refused.json()["code"], refused.headers["retry-after"]) == (
                503,
                "overloaded",
                "1",
            )
            assert (await world.nobody.get("/health/live")).status_code == 200
            assert (await world.nobody.get("/health/ready")).status_code == 200
        assert (await world.everything.get("/v1/governors")).status_code == 200


async def test_a_body_that_does_not_come_is_given_up():
    """In the time that it has."""
    async with World.opened(limits=Limits(body_seconds=0.05)) as world:

        async def slow():
            yield b"{"
            await asyncio.sleep(30)

        answer = await world.everything.put("/v1/governors/g/states/s", content=slow())
    assert (answer.status_code, answer.json()["code"]) == (408, "request_timeout")


async def test_a_read_that_takes_too_long_is_given_up(monkeypatch):
    """In the time that a request may take of the store."""
    async with World.opened(limits=Limits(call_seconds=0.05)) as world:

        async def slow(*_, **__):
            await asyncio.sleep(30)

        monkeypatch.setattr(world.store, "get_state", slow)
        answer = await world.everything.get("/v1/governors/g/states/s")
    assert (answer.status_code, answer.json()["code"]) == (503, "deadline_exceeded")


async def test_a_process_that_is_ending_serves_nothing_new(world, call):
    """It is alive and not ready, and says when to come back, elsewhere."""
    await world.server.service.serving.drain()
    answer = await call.get("/v1/governors")
    assert (answer.status_code, answer.json()["code"]) == (503, "store_closed")
    assert (answer.headers["connection"], answer.headers["retry-after"]) == ("close", "1")
    assert (await world.nobody.get("/health/live")).status_code == 200
    assert (await world.nobody.get("/health/ready")).status_code == 503


async def test_a_store_that_is_away_is_told_to_everybody_alike(world, monkeypatch):
    """Whoever asks for health hears no file and no host."""
    from tai_state import Health  # noqa: PLC0415 - of this test alone

    async def away(**_):
        return Health(ok=False, backend="memory", latency_seconds=1.0, message="/var/lib/secret.db")

    monkeypatch.setattr(world.store, "health", away)
    answer = await world.nobody.get("/health/ready")
    assert (answer.status_code, answer.json()["code"], "secret" in answer.text) == (503, "store_unavailable", False)


# In other applications


async def test_it_is_mounted_in_another_application():
    """Below a prefix, which its links have, too; the store is the other's."""
    from starlette.applications import Starlette  # noqa: PLC0415 - of this test alone
    from starlette.routing import Mount  # noqa: PLC0415

    from tests.unit.server.world import TOKENS, client_of  # noqa: PLC0415

    async with World.opened() as world:
        outer = Starlette(routes=[Mount("/state", app=world.server)])
        async with client_of(outer, TOKENS["everything"]) as client:
            path = "/state/v1/governors/a%2Fb/states/%2E%2E%2Fc"
            started = await client.post(path, json={"machine": "bell"})
            assert (started.status_code, started.headers["location"]) == (
                201,
                "/state/v1/governors/a%2Fb/states/..%2Fc",
            )
            assert (await client.get(started.headers["location"])).json()["state_id"] == "../c"
            await client.post(f"{path}/transitions", json={"action": "ring"})
            page = await client.get(f"{path}/events?limit=1")
            assert page.links["next"]["url"].startswith("/state/v1/")
            assert (await client.get(page.links["next"]["url"])).json()["items"][0]["version"] == 2
            login = await client.get("/state/console/")
            assert login.headers["location"] == "/state/console/login"


async def test_by_itself_it_closes_the_store_at_the_end():
    """Its lifespan is the process's."""
    async with World.opened() as world:
        messages = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
        sent = []

        async def receive():
            return messages.pop(0)

        async def send(message):
            sent.append(message["type"])

        await world.server({"type": "lifespan"}, receive, send)
        assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
        assert not (await world.store.health()).ok


async def test_pages_of_other_origins_may_call_where_they_are_named():
    """And no others; what their scripts may read of an answer is said."""
    origin = {"Origin": "https://shop.example"}
    asked = {**origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    path = "/v1/governors/g/states/s/transitions"
    async with World.opened(cors=["https://shop.example"]) as world:
        allowed = await world.nobody.options(path, headers=asked)
        assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, origin["Origin"])
        told = await world.everything.get("/v1/governors", headers=origin)
        assert "ETag" in told.headers["access-control-expose-headers"]
        other = await world.nobody.options(path, headers={**asked, "Origin": "https://other.example"})
        assert other.status_code == 400
    async with World.opened() as world:
        refused = await world.nobody.options(path, headers=asked)
        assert (refused.status_code, "access-control-allow-origin" in refused.headers) == (401, False)


async def test_a_problem_is_what_the_rfc_says(call):
    """Its members; the type is a name."""
    told = json.loads((await call.get("/v1/governors/g/states/none")).content)
    assert told == {
        "type": "urn:problem-type:tai-state:state_not_found",
        "title": "There is no such state.",
        "status": 404,
        "detail": "state 'none' of governor 'g' does not exist",
        "code": "state_not_found",
        "governor_id": "g",
        "state_id": "none",
    }
