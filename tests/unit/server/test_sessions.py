"""Sessions of people: how they begin and end, and what a page of another site cannot do in them."""

import pytest

from tai_state.server import Auth, Principal
from tai_state.server.auth.sessions import CODE_SECONDS, SESSION_SECONDS, SESSIONS_MAX, Sessions
from tai_state.testing import ManualClock
from tests.unit.server.browsing import Page
from tests.unit.server.world import TOKENS, World, client_of

STATE = "/v1/governors/g/states/s"
ANN = Principal("ann")


@pytest.fixture
async def run():
    """A server with a token of this run, and a browser that knows nothing yet."""
    async with World.opened(auth=None) as world, client_of(world.server) as browser:
        world.browser = browser
        yield world


def login_path(world):
    return f"/console/login?code={world.server.auth.new_login_code()}"


async def logged_in(world):
    """Log the browser in; return its session."""
    assert (await world.browser.get(login_path(world))).status_code == 303
    return world.server.auth.sessions.find(world.browser.cookies["tai_state_session"])


async def test_the_token_of_this_run_does_everything(run):
    """Whoever started the server has it."""
    async with client_of(run.server, run.server.token) as operator:
        assert (await operator.put(STATE, json={"data": {}})).status_code == 201
    snapshot, _ = await run.store.get_state("g", "s")
    assert snapshot.metadata.changed_by == "operator"


async def test_a_link_logs_in_once(run):
    """The cookie is no script's, and no other site's page sends it."""
    link = login_path(run)
    answer = await run.browser.get(link)
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/")
    assert "HttpOnly; SameSite=Strict" in answer.headers["set-cookie"]
    assert "Secure" not in answer.headers["set-cookie"]
    assert "operator" in (await run.browser.get("/console/")).text
    async with client_of(run.server) as other:
        assert (await other.get(link)).status_code == 401
        assert (await other.get("/console/")).headers["location"] == "/console/login"


async def test_a_link_that_is_fetched_in_advance_is_not_used_up(run):
    """As browsers do."""
    link = login_path(run)
    await run.browser.head(link)
    await run.browser.get(link, headers={"Sec-Purpose": "prefetch;prerender"})
    assert (await run.browser.get(link)).status_code == 303


async def test_over_https_the_cookie_is_for_https_alone(run):
    """Nobody on the way sees it."""
    answer = await run.browser.get(f"https://server{login_path(run)}")
    assert answer.headers["set-cookie"].endswith("; Secure")


async def test_a_token_logs_in(world):
    """One of those that the server takes; what it may do is what the session may do."""
    async with client_of(world.server) as browser:
        wrong = await browser.post("/console/login", data={"token": "wrong-0123456789-abcdef"})
        assert (wrong.status_code, "no token of this server" in wrong.text) == (401, True)
        assert (await browser.post("/console/login", data={"token": TOKENS["reader"]})).status_code == 303
        assert "reader, read-only" in Page((await browser.get("/console/")).text).text
        refused = await browser.put(STATE, json={"data": {}}, headers={"X-CSRF-Token": "x"})
        assert refused.status_code == 403


async def test_another_sites_form_does_not_log_in(world):
    """Somebody could be made to work as another one."""
    async with client_of(world.server) as browser:
        told = {"Sec-Fetch-Site": "cross-site"}
        answer = await browser.post("/console/login", data={"token": TOKENS["reader"]}, headers=told)
        assert (answer.status_code, len(browser.cookies)) == (403, 0)


async def test_a_session_reads_and_changes_with_its_csrf_token_alone(run):
    """The cookie is sent by the browser, whoever's page asks; the token is known to ours."""
    session = await logged_in(run)
    assert (await run.browser.get("/v1/governors")).status_code == 200
    for headers in ({}, {"X-CSRF-Token": "wrong"}):
        refused = await run.browser.put(STATE, json={"data": {}}, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    meant = {"X-CSRF-Token": session.csrf}
    assert (await run.browser.put(STATE, json={"data": {}}, headers=meant)).status_code == 201


async def test_a_session_ends_by_its_form(run):
    """Which needs the token, too."""
    session = await logged_in(run)
    assert (await run.browser.post("/console/logout")).status_code == 403
    answer = await run.browser.post("/console/logout", data={"csrf_token": session.csrf})
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/login")
    assert run.server.auth.sessions.find(session.key) is None
    assert (await run.browser.get("/v1/governors")).status_code == 401


async def test_a_page_says_what_it_may_load(run):
    """Nothing of other hosts, nothing inline, in nobody's frame."""
    for path in ("/console/login", login_path(run), "/console/", "/console/nope"):
        headers = (await run.browser.get(path)).headers
        assert headers["content-security-policy"].startswith("default-src 'none';")
        assert (headers["referrer-policy"], headers["x-frame-options"]) == ("no-referrer", "DENY")
    assert (await run.browser.get("/console/nope")).status_code == 404


async def test_what_is_called_like_the_console_is_a_path_of_its_own(run):
    """By its first part."""
    assert (await run.browser.get("/v1/governors/console/states")).status_code == 401
    assert (await run.browser.get("/consoles")).status_code == 401


def test_codes_and_sessions_end_by_the_clock():
    """A code soon, a session in the evening."""
    clock = ManualClock()
    sessions = Sessions(clock)
    late, code = sessions.new_code(ANN), sessions.new_code(ANN)
    session = sessions.redeem(code)
    assert session is not None
    assert sessions.redeem(code) is None
    clock.advance(CODE_SECONDS)
    assert sessions.redeem(late) is None
    assert sessions.find(session.key) is session
    clock.advance(SESSION_SECONDS - CODE_SECONDS)
    assert sessions.find(session.key) is None


def test_sessions_and_codes_are_bounded():
    """The oldest go."""
    sessions = Sessions(ManualClock())
    made = [sessions.begin(ANN) for _ in range(SESSIONS_MAX + 1)]
    codes = [sessions.new_code(ANN) for _ in range(SESSIONS_MAX + 1)]
    assert [sessions.find(one.key) is None for one in (made[0], made[1], made[-1])] == [True, False, False]
    assert [sessions.redeem(one) is None for one in (codes[0], codes[1])] == [True, False]


def test_nothing_secret_is_shown():
    """Neither by a session nor by a token that is printed somewhere."""
    session = Sessions(ManualClock()).begin(ANN)
    assert session.key not in repr(session)
    assert session.csrf not in repr(session)


async def test_who_has_tokens_of_his_own_has_no_token_of_the_run(world):
    """Nor a link."""
    from tai_state import ConfigurationError  # noqa: PLC0415 - of this test alone

    assert (world.server.token, Auth().token is None) == (None, False)
    with pytest.raises(ConfigurationError, match="no token of this run"):
        world.server.auth.new_login_code()
