"""Where a Redis store is, by its URL; what no error and no text ever shows; and which index serves which query."""

import pickle
import traceback
from datetime import UTC, datetime

import pytest

from tai_state import AsyncRedisStore, ConfigurationError, RedisStore, async_connect, connect
from tai_state.backends.redis.addresses import Address, read_address
from tai_state.backends.redis.querying import walk_of
from tai_state.config import load
from tai_state.documents import FieldContains, FieldEquals, FieldRange, Query
from tai_state.indexes import ASKED, Asked
from tai_state.settings.effective import effective
from tai_state.urls import Secret, parse_url, place_url

SECRET = "s3cret"  # pragma: allowlist secret
QUOTED = f"a%40b:c%2F{SECRET}"
URL = f"redis://ann:{SECRET}@127.0.0.1:1/3?root=shop"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://", Address("redis://localhost:6379/0", host="localhost")),
        ("redis://h", Address("redis://h:6379/0", host="h")),
        ("redis://H:7000/2", Address("redis://h:7000/2", host="h", port=7000, database=2)),
        ("redis://[::1]:7000", Address("redis://[::1]:7000/0", host="::1", port=7000)),
        ("redis://h?root=a", Address("redis://h:6379/0?root=a", root="a", host="h")),
        ("redis://h?root=tai_state", Address("redis://h:6379/0", host="h")),
        ("rediss://h", Address("rediss://h:6379/0", host="h", is_tls=True)),
        (
            "rediss://h?ca_certs=/ca.pem",
            Address("rediss://h:6379/0", host="h", is_tls=True, ca_certs="/ca.pem"),
        ),
        (f"redis://{QUOTED}@h", Address("redis://h:6379/0", host="h", username="a@b", password=f"c/{SECRET}")),
        ("unix:///run/redis.sock", Address("unix:///run/redis.sock", path="/run/redis.sock")),
        (
            "unix:///run/redis.sock?db=2&root=a",
            Address("unix:///run/redis.sock?db=2&root=a", root="a", path="/run/redis.sock", database=2),
        ),
    ],
)
def test_the_parts_of_an_address(url, expected):
    """As redis-py and redis-cli read them, with the root beside."""
    assert read_address(url) == expected


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("redis://h/x", "'x'"),
        ("redis://h/-1", "'-1'"),
        ("redis://h?db=1", "'db'"),
        ("redis://h#x", "'x'"),
        ("redis://h?root=", "''"),
        ("redis://h?root={a}", "'{a}'"),
        ("redis://h?root", "cannot be read"),
        ("redis://h?ca_certs=x", "'ca_certs'"),
        ("redis://h:port", "cannot be read"),
        ("unix://", "no socket"),
        ("unix://host/path", "no socket"),
    ],
)
@pytest.mark.parametrize("open_store", [connect, async_connect])
def test_what_is_no_address_is_refused(url, named, open_store):
    """The error names what is not understood."""
    with pytest.raises(ConfigurationError) as caught:
        open_store(url)
    assert named in str(caught.value)


def test_all_keys_are_in_one_slot():
    """What stands in the first braces of a key chooses the slot of a cluster."""
    assert read_address("redis://h?root=shop").prefix == "{shop}:"


def test_a_url_opens_its_store():
    """In both colours, and nothing is connected before it is used."""
    for url in ("redis://127.0.0.1:1", "unix:///none.sock", "rediss://127.0.0.1:1"):
        assert type(connect(url)) is RedisStore
        assert type(async_connect(url)) is AsyncRedisStore


def _shown():
    """Yield whatever people may see of a store at a URL with a password."""
    store = RedisStore(URL)
    yield store.health(timeout=5).message
    yield repr(parse_url(URL))
    yield parse_url(URL).text
    yield repr(read_address(URL))
    yield repr(Secret(URL))
    yield repr(store.runtime.access.backend.place())
    yield place_url(store.runtime.access.backend.place())
    store.close()


def test_no_text_shows_a_password():
    """Neither health nor what stands for a URL or an address."""
    shown = list(_shown())
    assert "127.0.0.1:1" in shown[0]
    assert [text for text in shown if SECRET in text] == []


@pytest.mark.parametrize(
    "url",
    [
        f"redis://ann:{SECRET}@h/x",
        f"redis://ann:{SECRET}@h:port",
        f"redis://ann:{SECRET}@h?root={{}}",
        f"redis://:{SECRET}@h?no=1",
        f"rediss://ann:{SECRET}/@h",
        f"redis://ann:{SECRET}@h\n",
        f"postgres://ann:{SECRET}@h",
        f"redis://ann:{SECRET}@[h",
        # What would have to be quoted in a password ends the host.
        f"redis://:12/{SECRET}@h",
        f"redis://:12#{SECRET}@h",
        f"redis://:12?{SECRET}=@h",
    ],
)
def test_no_error_shows_a_password(url):
    """Nor does any traceback that is printed with it, or what is pickled of it."""
    for open_store in (connect, async_connect):
        with pytest.raises(ConfigurationError) as caught:
            open_store(url)
        assert SECRET not in "".join(traceback.format_exception(caught.value))
        assert SECRET.encode() not in pickle.dumps(caught.value)


def test_no_setting_shows_a_password(tmp_path):
    """Settings have the URL that opens the store, and show another one."""
    file = tmp_path / "tai-state.toml"
    file.write_text(f'store = "{URL}"\n')
    settings = load(file)
    assert settings.store == URL
    shown = [repr(settings), repr(settings.values), *(str(one.value) for one in effective(settings))]
    assert [text for text in shown if SECRET in text] == []
    assert "redis://***@127.0.0.1:1/3?root=shop" in shown[2:]


VALUES = {"deleted": True, "alone": True, "is_open": True}


def _query(asked: Asked) -> Query:
    collection = asked.collection if asked.is_group else f"governors/g/{asked.collection}"
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    return Query(
        collection=collection,
        equal=tuple(FieldEquals(name, VALUES.get(name, "x")) for name in asked.equal),
        within=None if asked.within is None else FieldRange(asked.within, moment),
        is_group=asked.is_group,
        is_descending=asked.is_descending,
        contains=None if asked.contains is None else FieldContains(asked.contains, "a=1"),
    )


# Who asks by what a feed has marked asks by the time of the last change here.
OTHERS = [asked for asked in ASKED if asked.within != "changed_at"]


@pytest.mark.parametrize("asked", OTHERS, ids=str)
def test_each_query_of_the_package_has_its_index(asked):
    """None of them looks at documents that nobody asked for, save beside a second condition."""
    walk = walk_of(_query(asked))
    assert walk is not None
    assert walk.index[:2] != "i:"
    assert walk.is_exact is (len(asked.equal) < 2)
