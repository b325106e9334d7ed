"""Who asks: tokens, identities, what an application of one's own says; and how often."""

import json
from typing import Any

import pytest

from tai_state import AsyncMemoryStore, ConfigurationError, StoreUnavailableError
from tai_state.server import (
    Access,
    Allowed,
    Auth,
    Identities,
    Limits,
    Principal,
    Token,
    app,
    auth_from_file,
    hash_token,
    new_token,
)
from tai_state.server.auth.principals import Kind
from tai_state.testing import ManualClock
from tests.unit.server.identities import AUDIENCE, Issuer
from tests.unit.server.world import TOKENS, World, client_of

ANN = "ann@example.com"


def test_what_names_something_reaches_that_alone():
    """A pattern for governors leaves no keys and no locks open; where nothing is named, everything is."""
    assert Allowed(governors=("shop-*",)) == Allowed(("shop-*",), (), ())
    assert Allowed() == Allowed(("*",), ("*",), ("*",))
    assert not Allowed(keys=("a",)).covers(Kind.LOCKS, "a")


@pytest.mark.parametrize(
    ("patterns", "name", "is_covered"),
    [
        (("*",), "any\nthing", True),
        (("shop-*",), "shop-", True),
        (("shop-*",), "a-shop-1", False),
        (("shop-*",), "shop-1\n/x", True),
        (("a.c",), "abc", False),
        (("a[b]", "x*z"), "a[b]", True),
        (("a[b]", "x*z"), "xyzz", True),
        (("*-eu-*",), "shop-eu-1", True),
        ((), "", False),
    ],
)
def test_a_pattern_means_what_it_shows(patterns, name, is_covered):
    """A star is any text; all else is itself, and all of the name counts."""
    assert Allowed(governors=patterns).covers(Kind.GOVERNORS, name) is is_covered


def test_a_token_is_known_by_its_hash_alone():
    """And is long enough that its hash tells nothing."""
    assert len({new_token() for _ in range(3)}) == 3
    token = Token("ann", hash_token("x" * 20))
    assert "x" * 20 not in repr(token)
    assert token.sha256 not in repr(token)
    with pytest.raises(ConfigurationError, match="at least 20 characters"):
        hash_token("short")


class Gate:
    """A mover: a persister takes it, and nobody knows what it is made of."""

    name, version, fingerprint = "gate", 1, "brass"

    def start(self, data):
        return "shut", data

    def move(self, status, data, action, payload):
        return "open", data


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Token("a", "no hash"), "64 hexadecimal digits"),
        (lambda: Token("", "0" * 64), "name is empty"),
        (lambda: Token("a", "0" * 64, "writes"), "not a valid Access"),  # type: ignore[arg-type]  # as said
        (lambda: Token("a", "0" * 64, rate="often"), "is no rate"),
        (lambda: Auth([Token("a", "0" * 64), Token("b", "0" * 64)]), "each once"),
        (lambda: Allowed(governors="shop"), "several patterns"),  # type: ignore[arg-type]  # as said
        (lambda: Identities("", {"a": Principal("a")}), "need an audience"),
        (lambda: Limits(requests=0), "requests must be a positive number"),
        (lambda: app(object()), "of its own colour"),  # type: ignore[arg-type]  # as said
        (lambda: app(AsyncMemoryStore(), machines=[Gate()]), "give it a Machine"),  # type: ignore[list-item]  # a mover
    ],
)
def test_what_cannot_be_is_refused_at_once(make, told):
    """With what is wrong."""
    with pytest.raises(ConfigurationError, match=told):
        make()


@pytest.mark.parametrize("auth", [[], [3], "short"])
async def test_auth_that_proves_nothing_is_refused(world, auth):
    """An empty list is no token of this run."""
    with pytest.raises(ConfigurationError):
        app(world.store, auth=auth)


async def test_a_single_token_does_everything(world):
    """Given in clear."""
    server = app(world.store, auth="one-token-0123456789")
    async with client_of(server, "one-token-0123456789") as caller:
        assert (await caller.get("/v1/governors")).status_code == 200
    assert server.token is None


async def test_whoever_asks_too_often_is_told_when_to_come_back(world):
    """By the rate of his token; the others go on."""
    answers = [await world.slow.get("/v1/governors") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].json()["code"] == "too_many_requests"
    assert 0 < int(answers[2].headers["retry-after"]) <= 3600
    assert (await world.everything.get("/v1/governors")).status_code == 200


async def test_an_address_brings_only_so_many_wrong_tokens():
    """Right ones are taken all the same: others may be behind that address."""
    async with World.opened(limits=Limits(failures=2)) as world, client_of(world.server, "wrong-" * 9) as stranger:
        statuses = [(await stranger.get("/v1/governors")).status_code for _ in range(3)]
        logins = await stranger.post("/console/login", data={"token": "wrong"})
        assert (await world.everything.get("/v1/governors")).status_code == 200
    assert (statuses, logins.status_code) == ([401, 401, 429], 429)


async def test_an_application_of_ones_own_says_who_asks(world):
    """By the scope of the request, as it likes."""

    async def check(scope):
        name = dict(scope["headers"]).get(b"x-user")
        return Principal(name.decode(), Access.READ_ONLY) if name else None

    server = app(world.store, auth=Auth(check=check))
    async with client_of(server) as caller:
        assert (await caller.get("/v1/governors")).status_code == 401
        caller.headers["X-User"] = "ann"
        assert (await caller.get("/v1/governors")).status_code == 200
        assert (await caller.put("/v1/governors/g/states/s", json={"data": {}})).status_code == 403


# Identities


@pytest.fixture(scope="module")
def issuer():
    """Who signs identity tokens."""
    return Issuer()


@pytest.fixture
def identities(issuer):
    """Those that are taken of it."""
    members = {ANN: Principal(ANN), "*@example.org": Principal("*", Access.READ_ONLY)}
    return Identities(AUDIENCE, members, fetch=issuer.fetch, clock=ManualClock(issuer.now))


async def test_an_identity_is_taken_and_its_address_is_the_author(issuer, identities):
    """Of one who is named, and of one whose domain is."""
    async with World.opened(auth=Auth(identities=identities)) as world:
        async with client_of(world.server, issuer.token(email=ANN)) as ann:
            assert (await ann.put("/v1/governors/g/states/s", json={"data": {}})).status_code == 201
        async with client_of(world.server, issuer.token(email="bob@example.org")) as bob:
            assert (await bob.put("/v1/governors/g/states/s", json={"data": {}})).status_code == 403
            assert (await bob.get("/v1/governors")).status_code == 200
        assert (await world.store.get_state("g", "s"))[0].metadata.changed_by == ANN


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "https://other"},
        {"iss": "https://issuer.example"},
        {"exp": -3600},
        {"iat": 3600},
        {"email_verified": False},
        {"email_verified": "true"},
        {"email": "eve@example.net"},
        {"email": None},
        {"key": "other"},
        {"algorithm": "none"},
        {"signature": "wrong"},
    ],
    ids=str,
)
async def test_an_identity_that_proves_nothing_is_refused(issuer, identities, claims):
    """Another audience, issuer or time, an address that nobody verified or named, another key, no signature."""
    assert await identities.principal_of(issuer.token(**{"email": ANN, **claims})) is None


async def test_no_identity_at_all_is_refused(identities):
    """What only looks like one."""
    for token in ("a.b.c", "..", "\udcff.x.y"):
        assert await identities.principal_of(token) is None


async def test_keys_are_kept_and_asked_for_when_one_is_new(issuer, identities):
    """As long as the issuer says; and not for each token that names none of them."""
    issuer.fetched = 0
    clock = identities.clock
    await identities.principal_of(issuer.token(email=ANN))
    await identities.principal_of(issuer.token(email=ANN))
    for _ in range(5):
        await identities.principal_of(issuer.token(email=ANN, key="other"))
    assert issuer.fetched == 1
    clock.advance(61)
    await identities.principal_of(issuer.token(email=ANN, key="other"))
    assert issuer.fetched == 2


async def test_an_identity_that_is_remembered_ends_with_its_token(issuer, identities):
    """By the clock; until then its signature is not checked again."""
    token = issuer.token(email=ANN, exp=300)
    assert (await identities.principal_of(token)).name == ANN
    identities._keys = {}
    assert (await identities.principal_of(token)).name == ANN
    identities.clock.advance(301)
    assert (identities.clock.now().timestamp() >= identities._known[next(iter(identities._known))][1]) is True


async def test_an_issuer_that_does_not_answer_is_no_verdict(issuer, identities):
    """The caller comes back; his token was not found wrong."""

    def fail(_):
        message = "no network"
        raise StoreUnavailableError(message)

    identities.fetch = fail
    token = issuer.token(email=ANN)
    async with World.opened(auth=Auth(identities=identities)) as world, client_of(world.server, token) as ann:
        answer = await ann.get("/v1/governors")
    assert (answer.status_code, answer.json()["code"], "retry-after" in answer.headers) == (
        503,
        "store_unavailable",
        True,
    )


async def test_keys_of_an_issuer_that_went_away_are_used_a_while(issuer, identities):
    """Those that are there; and who waits behind one that got no answer does not wait once more."""
    assert await identities.principal_of(issuer.token(email=ANN)) is not None
    asked = []

    def fail(_):
        asked.append(1)
        message = "no network"
        raise StoreUnavailableError(message)

    identities.fetch = fail
    identities.clock.advance(3_600)
    assert await identities.principal_of(issuer.token(email="bob@example.org", exp=9_000)) is not None
    fresh = Identities(AUDIENCE, identities.members, fetch=fail, clock=identities.clock)
    for _ in range(3):
        with pytest.raises(StoreUnavailableError):
            await fresh.principal_of(issuer.token(email=ANN, exp=9_000))
    assert len(asked) == 2


# The file


def test_a_file_says_who_may_do_what(tmp_path):
    """What names nothing may reach everything; what names something, that alone."""
    told = {
        "tokens": [
            {"name": "ops", "sha256": hash_token("ops-" * 9), "access": "read-write"},
            {
                "name": "shop",
                "sha256": hash_token("shop" * 9),
                "access": "read-only",
                "governors": ["s-*"],
                "rate": "9/second",
            },
        ],
        "identities": {"audience": AUDIENCE, "members": [{"email": ANN, "access": "read-only", "keys": ["k"]}]},
    }
    (tmp_path / "auth.json").write_text(json.dumps(told))
    auth = auth_from_file(tmp_path / "auth.json")
    known: Any = auth.tokens
    ops, shop = known.principal_of("ops-" * 9), known.principal_of("shop" * 9)
    assert (ops.may_write, ops.allowed) == (True, Allowed())
    assert (shop.may_write, shop.allowed, shop.rate) == (False, Allowed(("s-*",), (), ()), "9/second")
    assert auth._identities is not None
    assert auth._identities.members[ANN].allowed == Allowed((), ("k",), ())
    assert auth.token is None


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "{}",
        '{"tokens": []}',
        '{"tokens": [{"name": "a", "token": "secret-secret-secret", "access": "read-only"}]}',
        '{"tokens": [{"name": "a", "sha256": "secret-secret-secret", "access": "read-only"}]}',
        '{"tokens": [{"name": "a", "sha256": "' + "0" * 64 + '", "access": "all"}]}',
        '{"tokens": [{"name": "a", "sha256": "' + "0" * 64 + '"}]}',
    ],
)
def test_a_file_that_says_something_else_is_refused(tmp_path, text):
    """A slip of the pen allows nothing; and what may be a token is not told."""
    (tmp_path / "auth.json").write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        auth_from_file(tmp_path / "auth.json")
    assert "secret-secret" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    """By its path."""
    with pytest.raises(ConfigurationError, match=r"none\.json"):
        auth_from_file(tmp_path / "none.json")


async def test_two_lines_of_credentials_are_none(world):
    """Nobody chooses between them; of cookies there may be several lines, as HTTP/2 has it."""
    good, bad = f"Bearer {TOKENS['everything']}", "Bearer wrong-0123456789-abcdef"
    for lines in ((good, bad), (bad, good), (good, good)):
        answer = await world.nobody.get("/v1/governors", headers=[("Authorization", line) for line in lines])
        assert answer.status_code == 401
    session = world.server.auth.sessions.begin(world.server.auth.tokens.principal_of(TOKENS["everything"]))
    cookies = [("Cookie", "other=1"), ("Cookie", f"tai_state_session={session.key}")]
    assert (await world.nobody.get("/v1/governors", headers=cookies)).status_code == 200
