"""FastAPI: errors as problems, and a process that ends in order."""

import asyncio
import logging
import signal

import pytest


@pytest.fixture
def app():
    """An application whose requests wait until they are let go, and write then."""
    from tests.unit.adapters import on_fastapi  # noqa: PLC0415 - other tests need not wait for the framework

    return on_fastapi.make_app()


@pytest.fixture
async def client(app):
    """What calls it, within its lifespan."""
    from tests.unit.adapters import on_fastapi  # noqa: PLC0415 - as above

    async with on_fastapi.calling(app) as client:
        yield client


# The end.


async def test_a_request_under_way_is_answered_and_a_new_one_is_refused(app, client):
    """Until then the drain goes on, and the store serves."""
    under_way = asyncio.create_task(client.post("/slow"))
    await app.state.begun.wait()
    draining = asyncio.create_task(app.state.tai_state.drain())
    await asyncio.sleep(0)
    refused = await client.post("/slow")
    assert (refused.status_code, refused.json()["code"]) == (503, "store_closed")
    assert (refused.headers["Connection"], refused.headers["Retry-After"]) == ("close", "1")
    assert (await client.get("/health/live")).status_code == 200
    assert not draining.done()
    app.state.go.set()
    assert (await under_way).json() == {"version": 1}
    assert await draining is True


async def test_a_drain_is_bounded(app, client, caplog):
    """What hangs is told, and holds up no end."""
    app.state.tai_state._seconds = 0.01
    under_way = asyncio.create_task(client.post("/slow"))
    await app.state.begun.wait()
    assert await app.state.tai_state.drain() is False
    assert "1 requests were still under way" in caplog.text
    app.state.go.set()
    assert (await under_way).json()["code"] == "store_closed"


@pytest.mark.parametrize(
    ("is_draining", "has_begun", "told"),
    [(True, False, [503]), (True, True, [200]), (False, False, [])],
    ids=["at the end", "behind its beginning", "before the end"],
)
async def test_a_request_that_the_server_cancels_at_its_end_is_answered(app, is_draining, has_begun, told):
    """As one that comes later; where an answer has begun, or a caller has left, nothing is added."""
    from tai_state.adapters.fastapi import DrainMiddleware  # noqa: PLC0415 - as above

    answers = []
    has_come = asyncio.Event()

    async def endless(_scope, _receive, send):
        if has_begun:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        has_come.set()
        await asyncio.Event().wait()

    async def send(message):
        answers.append(message)

    async def receive():
        return {"type": "http.request"}

    async with app.router.lifespan_context(app):
        scope = {"type": "http", "path": "/slow", "method": "POST", "headers": [], "app": app}
        serving = app.state.tai_state
        under_way = asyncio.create_task(DrainMiddleware(endless)(scope, receive, send))
        await has_come.wait()
        serving.draining = is_draining
        under_way.cancel()
        with pytest.raises(asyncio.CancelledError):
            await under_way
        serving.draining = False
    begun = [message for message in answers if message["type"] == "http.response.start"]
    assert [message["status"] for message in begun] == told
    if told == [503]:
        assert dict(begun[0]["headers"])[b"retry-after"] == b"1"
        assert b"store_closed" in answers[-1]["body"]


async def test_the_end_of_the_lifespan_closes_the_store(app):
    """However it came."""
    async with app.router.lifespan_context(app):
        store = app.state.tai_state.store
        assert (await store.health()).ok
    assert not (await store.health()).ok
    assert app.state.tai_state.draining


# What a request says in headers.


async def test_headers_become_parameters(client):
    """A key and a version, or nothing."""
    assert (await client.get("/said")).json() == [None, None]
    headers = {"Idempotency-Key": '"k-1"', "If-Match": '"3"'}
    assert (await client.get("/said", headers=headers)).json() == ["k-1", 3]


@pytest.mark.parametrize("name", ["Idempotency-Key", "If-Match"])
async def test_a_header_that_comes_twice_is_refused(client, name):
    """One of them would be guessed at."""
    answer = await client.get("/said", headers=[(name, '"1"'), (name, '"2"')])
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_header")


# Errors.


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("ours", 503, "store_unavailable"),
        ("damage", 500, "store"),
        ("theirs", 418, "im_a_teapot"),
        ("bug", 500, "internal"),
    ],
)
async def test_every_error_is_a_problem(client, name, status, code):
    """In one form, whoever raised it."""
    answer = await client.get(f"/raise/{name}")
    assert (answer.status_code, answer.json()["status"], answer.json()["code"]) == (status, status, code)
    assert answer.headers["Content-Type"] == "application/problem+json"


async def test_what_is_wrong_with_a_request_is_told(client):
    """By place and reason, and not by the values, which may be secret; of thousands the first few."""
    answer = await client.post("/numbers", json=[1, "secret"])
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert answer.headers["Content-Type"] == "application/problem+json"
    (fault,) = answer.json()["errors"]
    assert (fault["at"], "integer" in fault["message"]) == (["body", "1"], True)
    assert "secret" not in answer.text
    assert len((await client.post("/numbers", json=["secret"] * 10_000)).json()["errors"]) == 20


async def test_the_headers_of_an_error_are_kept(client):
    """Those that it brings, and when to come back."""
    assert (await client.get("/raise/theirs")).headers["X-Pot"] == "tea"
    assert (await client.get("/raise/ours")).headers["Retry-After"] == "3"


async def test_what_the_answer_keeps_to_itself_is_in_the_log(client, caplog):
    """As an error where somebody has to look, and as a warning where it will pass."""
    for name, secret, level in (("damage", "/srv/a.db", logging.ERROR), ("ours", "10.0.0.7", logging.WARNING)):
        caplog.clear()
        answer = await client.get(f"/raise/{name}")
        assert secret not in answer.text
        (record,) = [one for one in caplog.records if one.name == "tai_state"]
        assert secret in record.getMessage()
        assert (record.levelno, vars(record)["event"]) == (level, "request_failed")


@pytest.fixture
def heard():
    """What the server heard of SIGTERM: whether the end had begun by then."""
    heard: list[bool] = []
    before = signal.signal(signal.SIGTERM, lambda *_: heard.append(True))
    yield heard
    signal.signal(signal.SIGTERM, before)


async def test_the_server_hears_of_sigterm_behind_the_drain(app, heard):
    """Once, however often it comes; behind the lifespan its handler is the one that it was."""
    server = signal.getsignal(signal.SIGTERM)
    async with app.router.lifespan_context(app):
        serving = app.state.tai_state
        with serving.one():
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGTERM)
            for _ in range(9):
                await asyncio.sleep(0)
            assert (serving.draining, heard) == (True, [])
        await serving._end
    assert heard == [True]
    assert signal.getsignal(signal.SIGTERM) is server


async def test_outside_of_the_main_thread_signals_are_left_alone(app, heard):
    """Whoever serves there, as tests do, ends it by other means."""
    server = signal.getsignal(signal.SIGTERM)

    async def life():
        async with app.router.lifespan_context(app):
            assert signal.getsignal(signal.SIGTERM) is server

    await asyncio.to_thread(asyncio.run, life())
    assert app.state.tai_state.draining
