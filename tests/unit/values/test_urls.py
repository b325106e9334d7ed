"""Store URLs, and what they open; nothing is opened before its first use."""

import pytest

from tai_state import (
    AsyncFirestoreStore,
    AsyncMemoryStore,
    AsyncSqliteStore,
    ConfigurationError,
    FirestoreStore,
    MemoryStore,
    SqliteStore,
    async_connect,
    connect,
)
from tai_state.urls import DEFAULT_URL, StoreUrl, parse_url


@pytest.fixture(autouse=True)
def _outside(monkeypatch, tmp_path):
    """No variable of the machine counts, and relative files go to a folder of their own."""
    for name in ("TAI_STATE_STORE", "K_SERVICE", "CLOUD_RUN_JOB"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("memory://", StoreUrl("memory://", "memory")),
        ("sqlite:///a.db", StoreUrl("sqlite:///a.db", "sqlite", path="a.db")),
        ("sqlite:///a/b.db", StoreUrl("sqlite:///a/b.db", "sqlite", path="a/b.db")),
        ("sqlite:////a/b.db", StoreUrl("sqlite:////a/b.db", "sqlite", path="/a/b.db")),
        ("sqlite:///a%20b%3F.db", StoreUrl("sqlite:///a%20b%3F.db", "sqlite", path="a b?.db")),
        ("SQLITE:///a.db", StoreUrl("SQLITE:///a.db", "sqlite", path="a.db")),
        ("sqlite://///a/b.db", StoreUrl("sqlite://///a/b.db", "sqlite", path="//a/b.db")),
        ("firestore://", StoreUrl("firestore://", "firestore", database="(default)")),
        ("firestore://p", StoreUrl("firestore://p", "firestore", project="p", database="(default)")),
        ("firestore://p/d", StoreUrl("firestore://p/d", "firestore", project="p", database="d")),
        ("firestore:///d", StoreUrl("firestore:///d", "firestore", database="d")),
        (
            "firestore://p/d?root=apps/billing",
            StoreUrl("firestore://p/d?root=apps/billing", "firestore", project="p", database="d", root="apps/billing"),
        ),
        (
            "firestore://?root=a%2Fb",
            StoreUrl("firestore://?root=a%2Fb", "firestore", database="(default)", root="a/b"),
        ),
    ],
)
def test_the_parts_of_a_url(url, expected):
    """As the contract writes them."""
    assert parse_url(url) == expected


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("", "scheme"),
        ("state.db", "scheme"),
        ("/abs/state.db", "scheme"),
        ("postgres://host", "postgres"),
        ("sqlite:", "sqlite"),
        ("sqlite:a.db", "sqlite"),
        ("sqlite://", "file"),
        ("sqlite:///", "file"),
        ("sqlite://host/a.db", "file"),
        ("sqlite:///a.db?mode=ro", "write sqlite:///a.db%3Fmode=ro"),
        ("sqlite:///a.db#x", "write sqlite:///a.db%23x"),
        ("sqlite:///a?b#c.db", "write sqlite:///a%3Fb%23c.db"),
        ("sqlite:///a.db?", "write sqlite:///a.db%3F"),
        ("sqlite:///a\tb.db", "%09"),
        ("sqlite:///a.db\n", "%0A"),
        ("firestore://p\x7f", "%7F"),
        ("sqlite:///a%00.db", "NUL"),
        ("memory://x", "x"),
        ("memory:///x", "x"),
        ("memory://?a=1", "a=1"),
        ("firestore://p/d/e", "d/e"),
        ("firestore://p?rot=a", "rot"),
        ("firestore://p?root=a&x=1", "x"),
        ("firestore://p#x", "x"),
        ("firestore://p?root", "root"),
        ("http://[::1", "http"),
        (5, "int"),
    ],
    ids=str,
)
def test_what_is_no_store_url_is_refused(url, named):
    """The error names what is not understood."""
    with pytest.raises(ConfigurationError) as caught:
        parse_url(url)
    assert named in str(caught.value)


def test_the_variable_stands_for_no_url(monkeypatch):
    """TAI_STATE_STORE, and a file in the working directory without it."""
    assert parse_url(None).text == DEFAULT_URL
    monkeypatch.setenv("TAI_STATE_STORE", "memory://")
    assert parse_url(None).scheme == "memory"
    monkeypatch.setenv("TAI_STATE_STORE", "")
    assert parse_url(None).text == DEFAULT_URL


@pytest.mark.parametrize("name", ["K_SERVICE", "CLOUD_RUN_JOB"])
def test_cloud_run_has_no_default(monkeypatch, name):
    """Its disk is memory: a URL must be given, and any one may be."""
    monkeypatch.setenv(name, "billing")
    with pytest.raises(ConfigurationError, match=name):
        connect()
    assert parse_url("sqlite:///a.db").path == "a.db"
    monkeypatch.setenv("TAI_STATE_STORE", "firestore://p")
    assert parse_url(None).project == "p"


@pytest.mark.parametrize(
    ("url", "sync", "async_"),
    [
        ("memory://", MemoryStore, AsyncMemoryStore),
        ("sqlite:///a.db", SqliteStore, AsyncSqliteStore),
        ("firestore://p", FirestoreStore, AsyncFirestoreStore),
    ],
)
def test_a_url_opens_its_store(url, sync, async_, monkeypatch, tmp_path):
    """In both colours, and nothing is touched before it is used."""
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:1")
    assert type(connect(url)) is sync
    assert type(async_connect(url)) is async_
    assert list(tmp_path.iterdir()) == []


def test_the_actor_and_options_reach_the_store():
    """As keyword arguments."""
    with connect("memory://", actor="ann", head_cache_size=3) as store:
        assert store.actor == "ann"
        store.save_state("g", "s", {})
        assert store.get_state("g", "s")[0].metadata.changed_by == "ann"


@pytest.mark.parametrize("url", ["memory://", "sqlite:///a.db", "firestore://p"])
@pytest.mark.parametrize("open_store", [connect, async_connect], ids=["sync", "async"])
def test_an_unknown_option_is_named(url, open_store, monkeypatch):
    """By a ConfigurationError, in both colours."""
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:1")
    with pytest.raises(ConfigurationError, match="colour"):
        open_store(url, colour="red")


def test_without_a_url_a_file_in_the_working_directory_is_used(tmp_path):
    """Made at the first use."""
    with connect() as store:
        assert list(tmp_path.iterdir()) == []
        store.save_state("g", "s", {"n": 1})
    assert (tmp_path / "tai_state.db").is_file()
    with connect("sqlite:///tai_state.db") as store:
        assert store.get_state("g", "s")[0].data == {"n": 1}
