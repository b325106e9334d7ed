"""Every page there is, and every form: who is let in, what a page may load, and what it says that it cost."""

import re

import pytest

from tai_state.server.console.application import TABLE
from tai_state.server.http.routes import KINDS, Needs
from tai_state.telemetry import Observer, observe
from tests.unit.server.browsing import Page, browsing
from tests.unit.server.world import TOKENS, client_of

HOSTILE = [
    "<script>alert(1)</script>",
    "../../x",
    '"onload="alert(1)',
    "{{ 7777*7 }}",
    "\u05d0\u202e\x00\n",
    "\U0001f469\u200d",
]
SAMPLES = {"version": "1"}
QUERIES = {"/diff": "?from=1&to=2", "/at": "?version=1"}


def routes(is_meant):
    return [pytest.param(one, id=f"{one.method} {one.path}") for one in TABLE.routes if is_meant(one)]


every_page = pytest.mark.parametrize("page", routes(lambda one: one.method == "GET"))
every_form = pytest.mark.parametrize("page", routes(lambda one: one.method == "POST"))
every_write = pytest.mark.parametrize("page", routes(lambda one: one.needs is Needs.WRITE))
every_owned = pytest.mark.parametrize(
    "page", routes(lambda one: not KINDS.keys().isdisjoint(re.findall(r"{(\w+)}", one.path)))
)


def sample(page, **ids):
    """Return a path that leads to *page*: each id is as given, or its own name."""
    from urllib.parse import quote  # noqa: PLC0415 - of this alone

    ids = {**SAMPLES, **ids}
    path = re.sub(r"{(\w+)}", lambda found: quote(str(ids.get(found[1], found[1])), safe=""), page.path)
    return path + next((query for end, query in QUERIES.items() if path.endswith(end)), "")


async def fill(world, name=None):
    """Fill the store with one of everything; each is called as its place in paths is, or *name*."""
    from tai_state import ChangeMetadata  # noqa: PLC0415 - as in world
    from tai_state.sagas import AsyncSagaRunner, Saga, Step  # noqa: PLC0415
    from tai_state.server.http.background import Operation  # noqa: PLC0415

    governor, state, saga = name or "governor", name or "state", name or "saga"
    service, text = world.server.service, name or "text"
    said = ChangeMetadata(changed_by=text, reason=text, context={text: text})
    orders = service.persisters["order"]
    await orders.start(governor, state, {text: text}, metadata=said)
    await orders.transition(governor, state, "pay", {text: text}, metadata=said, error=text)
    await service.keys(name or "group").set(name or "key", {text: text}, metadata=said)
    await service.queue("queue").enqueue({text: text})
    await service.locks.acquire(name or "resource", owner="owner", heartbeat=False)
    runner = AsyncSagaRunner(world.store, [Saga("steps", [Step("first", lambda _: text)])])
    await runner.start(governor, saga, "steps", {text: text}, metadata=said)
    await runner.run_due()
    operation = Operation("operation", "recover (dry run)", governor, text, service.clock.now(), status="done")
    service.background.operations["operation"] = operation


@pytest.fixture
async def filled(world):
    """The server, with one of everything."""
    await fill(world)
    return world


@every_page
async def test_without_a_session_a_page_leads_to_the_login(world, page):
    """Whatever the page, and whether there is such a thing or not."""
    answer = await world.nobody.get(sample(page))
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/login")


@every_form
async def test_without_a_session_a_form_does_nothing(world, page):
    """Nor with a token in place of the session: forms are a browser's."""
    for caller in (world.nobody, world.everything):
        assert (await caller.post(sample(page), data={"csrf_token": "x"})).status_code == 401


@every_form
async def test_a_form_of_another_sites_page_does_nothing(world, page):
    """It does not know the session's token."""
    async with browsing(world) as browser:
        for fields in ({}, {"csrf_token": "wrong"}):
            assert (await browser.client.post(sample(page), data=fields)).status_code == 403


@every_write
async def test_who_only_reads_changes_nothing(filled, page):
    """Whatever the form says."""
    async with browsing(filled, "reader") as reader:
        assert (await reader.client.post(sample(page), data={"csrf_token": reader.csrf})).status_code == 403


@every_owned
async def test_a_session_does_not_reach_what_is_not_its_own(filled, page):
    """The same whether it is there or not."""
    async with browsing(filled, "shops") as shops:
        answer = await shops.client.request(page.method, sample(page), data={"csrf_token": shops.csrf})
        assert answer.status_code == 403


@every_page
async def test_a_page_loads_what_is_ours_alone(filled, page):
    """Nothing of other hosts, nothing inline; no proxy and no other page keeps it."""
    async with browsing(filled) as browser:
        answer = await browser.client.get(sample(page), follow_redirects=True)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-security-policy"].startswith(
        "default-src 'none'; script-src 'self'; style-src 'self'"
    )
    assert (answer.headers["cache-control"], answer.headers["x-content-type-options"]) == ("no-store", "nosniff")
    shown = Page(answer.text)
    assert shown.inline == []
    assert [one for one in shown.addresses if not re.match(r"/console/|#main$|data:,$", one)] == []


class Reads(Observer):
    """Counts what the store bills, whoever asks."""

    documents = 0

    def request_ended(self, request, operation):
        self.documents += request.billed.documents_read


@every_page
async def test_a_page_says_what_it_read(filled, page):
    """To the document, as a store bills it."""
    async with browsing(filled) as browser:
        with observe(filled.store, counted := Reads()):
            answer = await browser.client.get(sample(page))
    if answer.status_code == 200 and answer.headers["content-type"].startswith("text/html"):
        assert Page(answer.text).cost == counted.documents
    elif answer.status_code == 200:
        assert answer.headers["x-documents-read"] == str(counted.documents)


async def test_pages_that_are_made_at_once_count_apart(filled):
    """Each what it read itself."""
    import asyncio  # noqa: PLC0415 - of this alone

    async with browsing(filled) as browser:
        alone = (await browser.get("governors/governor/states/state")).cost
        together = await asyncio.gather(*(browser.get("governors/governor/states/state") for _ in range(5)))
    assert {page.cost for page in together} == {alone}


@pytest.mark.parametrize("hostile", HOSTILE, ids=ascii)
async def test_what_is_stored_is_text_on_every_page(world, hostile):
    """Ids, data, reasons and errors: nothing of them runs, and nothing is taken for a path."""
    await fill(world, hostile)
    async with browsing(world) as browser:
        for page in (one for one in TABLE.routes if one.method == "GET"):
            names = set(re.findall(r"{(\w+)}", page.path)) - {"version", "operation", "queue"}
            path = sample(page, **dict.fromkeys(names, hostile))
            answer = await browser.client.get(path, follow_redirects=True)
            assert answer.status_code == 200, answer.text
            shown = Page(answer.text)
            assert shown.inline == [], path
            assert [tag for tag in shown.tags if tag == "script"] == (["script"] if shown.tags else [])
            assert "54439" not in shown.text
            assert not {"\u202e", "\x00"} & set(answer.text), path


async def test_an_error_is_a_page(world):
    """With what went wrong, and no trace of the code; the styles are there, too."""
    async with browsing(world) as browser:
        missing = await browser.get("governors/g/states/nope", status=404)
        assert "There is no such state." in missing.text
        assert "state_not_found" in missing.text
        assert "is a number from 1 on" in (await browser.get("governors/g/states/s/versions/x", status=422)).text
        assert "no such page" in (await browser.get("nope", status=404)).text
        answer = await browser.client.post("/console/", data={"csrf_token": browser.csrf})
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
        assert (await browser.client.get("/console/governors/%FF")).status_code == 400


async def test_what_nobody_expected_is_a_page_and_keeps_its_text_to_itself(world, monkeypatch, caplog):
    """The text may hold what is stored."""
    async with browsing(world) as browser:
        monkeypatch.setattr(world.store, "list_governors", lambda **_: 1 / 0)
        page = await browser.get("", status=500)
    assert "The service failed." in page.text
    assert "division" not in page.text + caplog.text
    assert "ZeroDivisionError" in caplog.text


async def test_a_page_that_takes_too_long_is_told_so(world, monkeypatch):
    """As any request."""
    import asyncio  # noqa: PLC0415 - of this alone

    async def slow(**_):
        await asyncio.sleep(60)
        yield ""

    world.server.service.limits = world.server.service.limits.__class__(call_seconds=0.01)
    async with browsing(world) as browser:
        monkeypatch.setattr(world.store, "list_governors", slow)
        page = await browser.get("", status=503)
    assert "took longer" in page.text


async def test_a_rate_holds_for_pages_too(world):
    """Two an hour."""
    async with browsing(world, "slow") as slow:
        for _ in range(2):
            await slow.get("")
        assert "More requests" in (await slow.get("", status=429)).text


async def test_a_process_that_ends_serves_no_page(world):
    """Another one does."""
    async with browsing(world) as browser:
        await world.server.service.serving.drain()
        answer = await browser.client.get("/console/")
    assert (answer.status_code, answer.headers["connection"], "retry-after" in answer.headers) == (503, "close", True)


async def test_below_a_prefix_every_link_has_it(world):
    """Where the application is mounted in another one."""
    import httpx  # noqa: PLC0415 - as in world
    from starlette.applications import Starlette  # noqa: PLC0415
    from starlette.routing import Mount  # noqa: PLC0415

    outer = Starlette(routes=[Mount("/state here", world.server)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(outer), base_url="http://server") as client:
        prefix = "/state%20here/console/"
        answer = await client.post(f"{prefix}login", data={"token": TOKENS["everything"]}, follow_redirects=True)
        assert answer.status_code == 200
        assert str(answer.url) == f"http://server{prefix}"
        assert [one for one in Page(answer.text).addresses if not one.startswith((prefix, "#", "data:"))] == []


async def test_what_pages_load_is_given_to_everybody(world):
    """The page for logging in needs it; nothing else is given, whatever the path says."""
    async with client_of(world.server) as nobody:
        for name, kind in (("console.css", "text/css"), ("console.js", "text/javascript")):
            answer = await nobody.get(f"/console/static/{name}")
            assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, kind)
        for name in ("nope", "..%2F__init__.py", "%2E%2E/__init__.py"):
            assert (await nobody.get(f"/console/static/{name}")).status_code == 404
