"""Every route there is, and who is let in: without a token, with a wrong one, a reader's, another governor's."""

import re

import pytest

from tai_state.server.application import TABLE
from tai_state.server.http.routes import KINDS, Needs
from tests.unit.server.world import client_of

OPEN = {"/health/live", "/health/ready"}


def routes(is_meant):
    return [pytest.param(one, id=f"{one.method} {one.path}") for one in GUARDED if is_meant(one)]


GUARDED = [one for one in TABLE.routes if one.needs is not Needs.NOTHING]
every_route = pytest.mark.parametrize("route", routes(lambda _: True))
every_write = pytest.mark.parametrize("route", routes(lambda one: one.needs is Needs.WRITE))
every_owned = pytest.mark.parametrize("route", routes(lambda one: not KINDS.keys().isdisjoint(one.parameters)))
every_body = pytest.mark.parametrize("route", routes(lambda one: one.body is not None))
every_query = pytest.mark.parametrize("route", routes(lambda one: one.query is not None))


def sample(route):
    """Return a path that leads to *route*: each id is its own name, and a version the first."""
    return re.sub(r"{(\w+)}", lambda found: "1" if found[1] == "version" else str(found[1]), route.path)


async def ask(client, route, **options):
    return await client.request(route.method, sample(route), **options)


def code(answer):
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code
    return answer.status_code, answer.json()["code"]


def test_what_is_open_to_everybody_is_known():
    """Whatever is added needs a token."""
    assert {route.path for route in TABLE.routes if route.needs is Needs.NOTHING} == OPEN


@every_route
async def test_without_a_token_nothing_is_served(world, route):
    """Neither is told whether there is something; the challenge says what to bring."""
    answer = await ask(world.nobody, route)
    assert code(answer) == (401, "unauthorized")
    assert answer.headers["www-authenticate"] == 'Bearer realm="tai_state"'


@every_route
async def test_a_wrong_token_is_refused(world, route):
    """And told that it is one."""
    async with client_of(world.server, "wrong-0123456789-abcdef") as stranger:
        answer = await ask(stranger, route)
    assert code(answer) == (401, "unauthorized")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


@every_write
async def test_a_reader_changes_nothing(world, route):
    """Whatever its body says: it is not read."""
    assert code(await ask(world.reader, route, content=b"no json")) == (403, "forbidden")


@every_owned
async def test_a_token_does_not_reach_what_is_not_its_own(world, route):
    """A governor, a group of keys, a lock, a queue: the same whether it is there or not."""
    await world.store.save_state("governor", "state", {})
    for stranger in (world.shops, world.nothing):
        assert code(await ask(stranger, route, content=b"no json")) == (403, "forbidden")


@every_body
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"{", (400, "bad_json")),
        (b"\xff", (400, "bad_json")),
        (b"[1]", (422, "invalid_request")),
        (b'{"unheard_of": 1}', (422, "invalid_request")),
        (b'{"reason": 7}', (422, "invalid_request")),
        (b'{"changed_by": "somebody else"}', (422, "invalid_request")),
    ],
    ids=["half", "no text", "a list", "an unknown field", "a wrong type", "an author"],
)
async def test_a_body_that_is_wrong_is_told_so(world, route, content, expected):
    """What is no JSON, and what is not what is asked for; nobody can name another author."""
    assert code(await ask(world.everything, route, content=content)) == expected


@every_body
async def test_a_body_of_another_kind_is_refused(world, route):
    """A form of a page of somebody else's, say."""
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert code(await ask(world.everything, route, content=b"a=1", headers=kind)) == (415, "unsupported_media_type")


@every_body
@pytest.mark.parametrize("is_declared", [True, False])
async def test_a_body_that_is_too_large_is_refused(world, route, is_declared):
    """By its declared length, or once more has come than is taken."""
    world.server.service.limits = world.server.service.limits.__class__(body_bytes=100)

    async def pieces():
        for _ in range(20):
            yield b"x" * 10

    content = b"x" * 101 if is_declared else pieces()
    answer = await ask(world.everything, route, content=content)
    assert code(answer) == (413, "body_too_large")
    assert (answer.headers["connection"], answer.json()["limit"]) == ("close", 100)


@every_query
@pytest.mark.parametrize("query", ["unheard_of=1", "limit=-1&unheard_of=1"])
async def test_a_query_that_is_wrong_is_told_so(world, route, query):
    """What is not known would be thought to work."""
    assert code(await world.everything.request(route.method, f"{sample(route)}?{query}")) == (422, "invalid_request")


@every_query
async def test_a_query_that_is_no_text_is_refused(world, route):
    """Under its percent-encoding it must be UTF-8."""
    answer = await world.everything.request(route.method, f"{sample(route)}?a=%FF")
    assert code(answer) == (400, "bad_request")


async def test_what_leads_nowhere_is_told_to_those_who_are_known(world):
    """To all others it is as anything: the paths are in openapi.json, which needs a token, too."""
    for path in ("/", "/v1", "/v1/", "/v1/governors/", "/v1/governors//states/s", "/v2/governors", "/v1/nope"):
        assert code(await world.everything.get(path)) == (404, "not_found")
        assert code(await world.nobody.get(path)) == (401, "unauthorized")


async def test_a_method_that_a_path_does_not_have_is_told_with_those_that_it_has(world):
    """As HTTP has it."""
    answer = await world.everything.request("PATCH", "/v1/governors/g/states/s")
    assert code(answer) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "DELETE, GET, POST, PUT"


async def test_a_path_that_is_no_text_is_refused(world):
    """Under its percent-encoding it must be UTF-8."""
    assert code(await world.everything.get("/v1/governors/%FF")) == (400, "bad_path")
