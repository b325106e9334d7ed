"""What somebody may cost: asked by everybody, at once, in the background, by what is deep or large."""

import asyncio
import time

import pytest

from tai_state import Health
from tai_state.documents import Delete
from tai_state.layout import state_layout
from tai_state.server import Access, Auth, Limits, Token, hash_token
from tai_state.server.console import rendering
from tai_state.server.console.rendering import brought, carried
from tests._async.stores import TIMEOUT, async_plant
from tests.unit.server.identities import AUDIENCE, Issuer
from tests.unit.server.streams import following
from tests.unit.server.test_operations import begun, damage, ended
from tests.unit.server.world import TOKENS, World, client_of

LARGE = {"items": [{"n": number, "t": "abé " * 3} for number in range(15_000)]}


async def test_the_store_is_asked_once_however_many_ask_whether_it_is_ready(world, monkeypatch):
    """Anybody may ask, and what the store is asked is billed."""
    asked = []

    async def health(**_):
        asked.append(1)
        await asyncio.sleep(0)
        return Health(ok=True, backend="memory", latency_seconds=0.0)

    monkeypatch.setattr(world.store, "health", health)
    answers = await asyncio.gather(*(world.nobody.get("/health/ready") for _ in range(20)))
    answers.append(await world.nobody.get("/health/ready"))
    assert ({one.status_code for one in answers}, len(asked)) == ({200}, 1)


async def test_streams_that_begin_at_once_are_bounded():
    """Not only those that come when others have begun."""
    async with World.opened(limits=Limits(streams=2)) as world:

        async def status():
            async with following(world.server, "/v1/changes", TOKENS["everything"]) as stream:
                await asyncio.wait({asyncio.ensure_future(all_asked.wait())}, timeout=30)
                return stream.status

        all_asked = asyncio.Event()
        asked = [asyncio.ensure_future(status()) for _ in range(6)]
        while world.server.service._streams < 2:  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        all_asked.set()
        assert sorted(await asyncio.gather(*asked)) == [200, 200, 503, 503, 503, 503]
        assert world.server.service._streams == 0


async def test_what_is_refused_is_counted_by_its_rate():
    """Else whoever may do nothing could ask for it without an end."""
    token = Token("rare", hash_token(TOKENS["reader"]), Access.READ_ONLY, rate="2/hour")
    async with World.opened(auth=[token]) as world:
        asked = [await world.reader.put("/v1/governors/g/states/s", json={"data": {}}) for _ in range(3)]
    assert [one.status_code for one in asked] == [403, 403, 429]


async def test_a_token_that_looks_like_an_identity_is_taken():
    """Somebody chose it himself."""
    chosen, issuer = "shop.secret.0123456789-abcdef", Issuer()
    from tai_state.server import Identities, Principal  # noqa: PLC0415 - of this test alone

    identities = Identities(AUDIENCE, {"ann@example.com": Principal("ann")}, fetch=issuer.fetch)
    async with World.opened(auth=Auth([Token("shop", hash_token(chosen))], identities=identities)) as world:
        async with client_of(world.server, chosen) as client:
            assert (await client.get("/v1/governors")).status_code == 200
        async with client_of(world.server, "shop.secret.0123456789-abcdeg") as client:
            assert (await client.get("/v1/governors")).status_code == 401


@pytest.mark.parametrize("raw", [b"/console/\xff", b"/v1/\xff"])
async def test_a_path_that_is_no_ascii_is_refused(world, raw):
    """Some servers let it through."""
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": raw.decode("latin-1"),
        "raw_path": raw,
        "query_string": b"",
        "headers": [(b"authorization", f"Bearer {TOKENS['everything']}".encode())],
    }
    await world.server(scope, receive, send)
    assert sent[0]["status"] == 400


async def test_what_is_nested_without_an_end_is_refused(call):
    """Also where it holds a number that only the slower reader of JSON tells."""
    for inner in (b"1", b"12345678901234567890"):
        body = b'{"data": {"x": ' + b"[" * 1_000 + inner + b"]" * 1_000 + b"}}"
        refused = await call.put("/v1/governors/g/states/s", content=body)
        assert (refused.status_code, refused.json()["code"]) in [(422, "invalid_data"), (422, "invalid_request")]


async def test_only_so_many_checks_run_at_once(monkeypatch):
    """Each may read a whole store; one that has ended makes room."""
    may_end = asyncio.Event()

    async def endless(*_, **__):
        await may_end.wait()
        nothing: tuple[object, ...] = ()
        for report in nothing:
            yield report

    monkeypatch.setattr("tai_state.server.http.upkeep.async_verify", endless)
    async with World.opened(limits=Limits(running=2)) as world:
        first = [await world.reader.post("/v1/verifications") for _ in range(3)]
        assert [one.status_code for one in first] == [202, 202, 503]
        assert first[2].json()["code"] == "overloaded"
        may_end.set()
        await asyncio.gather(*world.server.service.background._tasks)
        assert (await world.reader.post("/v1/verifications")).status_code == 202
        await asyncio.gather(*world.server.service.background._tasks)


async def test_the_reason_of_a_repair_stands_in_its_audit(world, call):
    """As it was given; and who asked for it."""
    await damage(world)
    body = {"reason": "a crash", "context": {"ticket": 17}}
    assert (await ended(call, await begun(call, "recoveries", **body)))["status"] == "done"
    audits = [one async for one in world.store.runtime.access.scan("governors/shop-1/audit")]
    assert {(one.fields["changed_by"], one.fields["reason"]) for one in audits} == {("everything", "a crash")}


# The console


async def test_a_form_that_is_no_text_changes_nothing(world, browser):
    """Nothing is stored in place of what cannot be read."""
    fields = f"csrf_token={browser.csrf}&value=%22%FF%22&key=k&reason=r"
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await browser.client.post("/console/keys/g/keys/k/set", content=fields, headers=kind)
    assert answer.status_code == 403
    assert not await world.server.service.keys("g").exists("k")


async def test_a_job_is_put_back_for_a_reason(world, browser):
    """Which stands in its history, as that of every other form; also a job whose id has lines."""
    queue, id_ = world.server.service.queue("mail"), "two\nlines %0A"
    await queue.enqueue({}, job_id=id_)
    page = await browser.get("jobs/mail")
    # As a browser sends what a hidden field holds.
    sent = "\r\n".join(page.fields["job"].splitlines())
    assert (await browser.post("jobs/mail/status", job=sent, status="cancelled")).status_code == 422
    assert (await browser.post("jobs/mail/status", job=sent, status="cancelled", reason="bounced")).status_code == 303
    events = [one async for one in world.store.get_events("jobs:mail", id_)]
    assert (events[-1].metadata.changed_by, events[-1].metadata.reason) == ("everything", "bounced")


@pytest.mark.parametrize("id_", ["plain", "%0A", "a\nb", "a\r\nb\r", "%25%0d%0D\n"])
def test_a_hidden_field_brings_back_what_it_carries(id_):
    """And has no lines of its own."""
    assert brought(carried(id_)) == id_
    assert "\n" not in carried(id_)
    assert "\r" not in carried(id_)


async def test_nobody_counts_before_somebody_looks(world, orders):
    """Who never opens the console pays nothing; what is shown says since when."""
    from tests.unit.server.browsing import browsing  # noqa: PLC0415 - the fixture would be in a session already

    await orders.start("g", "unseen")
    assert world.store.runtime.inflight.observers.all == ()
    async with browsing(world) as browser:
        await browser.get("")
        await orders.start("g", "seen")
        page = await browser.get("performance")
    assert "start 1 " in page.text
    assert "since somebody first logged in" in page.text


def test_a_line_of_a_table_looks_at_no_more_than_it_bears(monkeypatch):
    """Nobody else is served while a page is made, and a list may have as many of the largest values as it likes."""
    looked_at = []

    def plain(text):
        looked_at.append(len(text))
        return text

    monkeypatch.setattr(rendering, "plain", plain)
    for value in (LARGE, "é" * 900_000, [1.5] * 100_000, {"a": 1}):
        assert len(rendering.short(value)) <= 201
    assert max(looked_at) <= 200


def test_the_largest_values_are_written_out_at_once():
    """What Python itself would write in more than a second."""
    before = time.process_time()
    texts = [rendering.lines(rendering.pretty(LARGE)) for _ in range(10)]
    assert texts[0].startswith('{\n  "items": [\n    {\n      "n": 0,\n      "t": "abé abé abé "')
    assert time.process_time() - before < 1.5


async def test_a_check_that_is_cut_off_is_told_as_that(monkeypatch):
    """By the end of its loop, say: it does not run for good."""

    async def endless(*_, **__):
        await asyncio.sleep(3_600)
        yield

    monkeypatch.setattr("tai_state.server.http.upkeep.async_verify", endless)
    async with World.opened() as world:
        path = await begun(world.everything, "verifications")
        background = world.server.service.background
        await asyncio.sleep(0)
        for task in background._tasks:
            task.cancel()
        await asyncio.wait(background._tasks)
        assert (await world.everything.get(path)).json()["status"] == "stopped"


async def test_a_page_of_large_states_ends_early():
    """Behind so many bytes; its link leads on, each state is told once, and what is damaged is named where it is."""
    async with World.opened(limits=Limits(page_bytes=11_000)) as world:
        for number in range(9):
            size = 20_000 if number == 4 else 3_000
            await world.store.save_state("g", f"s-{number}", {"text": "x" * size})
        path, pages = "/v1/governors/g/states?limit=7", []
        while path:
            answer = await world.everything.get(path)
            pages.append([one["state_id"] for one in answer.json()["items"]])
            path = answer.links.get("next", {}).get("url")
        assert pages == [["s-0", "s-1", "s-2", "s-3"], ["s-4"], ["s-5", "s-6", "s-7", "s-8"]]
        await async_plant(world.store, state_layout("g", "s-6").state, status=7)
        await world.store.runtime.access.backend.commit([Delete(state_layout("g", "s-6").event(1))], timeout=TIMEOUT)
        answer = await world.everything.get("/v1/governors/g/states")
        assert (len(answer.json()["items"]), answer.json()["damaged"]) == (4, ["s-6"])
