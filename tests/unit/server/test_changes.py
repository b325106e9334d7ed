"""Changes as Server-Sent Events: none is left out, and who was cut off goes on."""

import asyncio

import pytest

from tai_state import ConfigurationError
from tai_state.server import Limits
from tai_state.values import record_of
from tests.unit.server.streams import following
from tests.unit.server.world import TOKENS, World
from tests.waits import patience

ALL = TOKENS["everything"]


async def save(world, governor, state="s"):
    return await world.everything.put(f"/v1/governors/{governor}/states/{state}", json={"data": {}})


async def test_what_has_changed_and_what_changes_is_told(world):
    """In one order, by positions; as the library tells it."""
    await save(world, "g")
    async with following(world.server, "/v1/changes", ALL) as stream:
        assert (stream.status, stream.headers["content-type"].partition(";")[0]) == (200, "text/event-stream")
        number, told = await stream.event()
        assert (number, told["position"], told["governor_id"], told["version"]) == ("1", 1, "g", 1)
        (event,) = [one async for one in world.store.get_events("g", "s")]
        assert told["event"] == record_of(event)
        await save(world, "h")
        number, told = await stream.event()
        assert (number, told["governor_id"]) == ("2", "h")


async def test_who_was_cut_off_goes_on_where_he_was(world):
    """By Last-Event-ID, which goes before what the address says; the end is where nothing is behind."""
    for number in range(5):
        await save(world, "g", f"s-{number}")
    async with following(world.server, "/v1/changes?after=1", ALL, **{"Last-Event-ID": "3"}) as stream:
        assert [(await stream.event())[0] for _ in range(2)] == ["4", "5"]
    async with following(world.server, "/v1/changes?after=end", ALL) as stream:
        await save(world, "g", "new")
        assert (await stream.event())[1]["state_id"] == "new"


async def test_a_stream_has_what_its_token_reaches_and_was_asked_for(world):
    """What is left out moves the place from which to go on, and is not told."""
    for governor in ("shop-1", "other", "shop-2", "other"):
        await save(world, governor)
    async with following(world.server, "/v1/changes", TOKENS["shops"]) as stream:
        told = [await stream.event() for _ in range(3)]
        assert [(number, data and data["governor_id"]) for number, data in told] == [
            ("1", "shop-1"),
            ("2", "shop-2"),
            ("4", None),
        ]
    async with following(world.server, "/v1/changes?governor=shop-2", TOKENS["shops"]) as stream:
        assert (await stream.event())[0] == "2"
    assert (await world.shops.get("/v1/changes?governor=other")).status_code == 403


async def test_a_state_is_followed_by_its_versions(world):
    """From before it is there on; by Last-Event-ID behind one of them."""
    path = "/v1/governors/g/states/s/changes"
    async with following(world.server, path, ALL) as stream:
        for version in ("1", "2"):
            await save(world, "g")
            assert (await stream.event())[0] == version
    async with following(world.server, path, ALL, **{"Last-Event-ID": "1"}) as stream:
        number, told = await stream.event()
        assert (number, told["version"], told["action"]) == ("2", 2, "save")


@pytest.mark.parametrize("path", ["/v1/changes", "/v1/governors/g/states/s/changes"])
async def test_a_place_that_is_none_is_refused(world, path):
    """In the header, and behind the path."""
    for wrong in ("x", "-1", "9" * 30, "1.5"):
        answer = await world.everything.get(path, headers={"Last-Event-ID": wrong})
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_header")
        assert (await world.everything.get(f"{path}?after={wrong}")).status_code == 422


async def test_streams_are_bounded_apart_from_requests():
    """One more is told to come back; the others go on, and the requests."""
    async with World.opened(limits=Limits(streams=1, requests=1)) as world:
        async with following(world.server, "/v1/changes", ALL) as stream:
            await save(world, "g")
            assert await stream.event()
            refused = await world.everything.get("/v1/changes")
            assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
            assert refused.headers["retry-after"] == "1"
        async with following(world.server, "/v1/changes", ALL) as again:
            assert again.status == 200


async def test_a_store_that_tells_nobody_is_told_so(world, monkeypatch):
    """With what switches it on."""

    async def no_feed():
        message = "no feed"
        raise ConfigurationError(message)

    monkeypatch.setattr(world.server.service.numbering.positions, "run_once", no_feed)
    answer = await world.everything.get("/v1/changes")
    assert (answer.status_code, answer.json()["code"]) == (501, "no_feed")


@pytest.mark.parametrize("path", ["/v1/changes", "/v1/governors/g/states/s/changes"])
async def test_a_stream_ends_with_the_process(world, path):
    """It holds up no drain; whoever follows goes on elsewhere."""
    async with following(world.server, path, ALL) as stream:
        assert await world.server.service.serving.drain() is True
        async with asyncio.timeout(patience(3.0)):
            assert await stream.event() is None


async def test_who_leaves_is_counted_no_more(world):
    """Neither as a stream nor as somebody for whom changes are numbered."""
    async with following(world.server, "/v1/changes", ALL) as stream:
        await save(world, "g")
        await stream.event()
        service = world.server.service
        assert (service._streams, service.numbering._streams) == (1, 1)
    async with asyncio.timeout(20):
        while service._streams or service.numbering._streams:  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.01)


async def test_what_is_sent_is_in_no_log(world, caplog):
    """At no level."""
    caplog.set_level("DEBUG")
    body = {"data": {"name": "secret-name"}}
    await world.everything.put("/v1/governors/g/states/s", json=body)
    async with following(world.server, "/v1/changes", ALL) as stream:
        assert "secret-name" in str(await stream.event())
    assert "secret-name" not in caplog.text
    assert ALL not in caplog.text


@pytest.mark.parametrize("path", ["/v1/changes", "/v1/governors/g/states/s/changes"])
async def test_who_asks_what_a_stream_would_be_is_told_and_not_streamed_to(world, path):
    """It takes no place among the streams either."""
    await save(world, "g")
    async with asyncio.timeout(patience(20.0)):
        answer = await world.everything.head(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream")
    assert world.server.service._streams == 0


async def test_a_stream_ends_where_changes_cannot_be_numbered_any_more(world, monkeypatch):
    """Whatever the reason, also one that nobody expected: who follows begins again."""
    async with following(world.server, "/v1/changes", ALL) as stream:
        await save(world, "g")
        assert await stream.event()

        async def broken():
            raise RuntimeError

        monkeypatch.setattr(world.server.service.numbering.positions, "run_once", broken)
        await save(world, "g")
        assert await stream.event() is None
    monkeypatch.undo()
    async with following(world.server, "/v1/changes?after=1", ALL) as stream:
        assert (await stream.event())[0] == "2"
