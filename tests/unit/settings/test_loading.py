"""A file and the environment: what holds, and what is refused by name."""

import dataclasses
import json
import re
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tai_state import ConfigurationError, LockConfig, PersistenceConfig, RetryPolicy
from tai_state.config import HistoryPolicy, Maintenance, load
from tai_state.settings.effective import DEFAULT, duration, effective
from tai_state.settings.keys import KEYS, SECTIONS, VARIABLES, seconds_of
from tai_state.settings.loading import load_settings
from tests.unit.docs.pages import DOCS

OTHER = {
    "store": ("memory://", "memory://"),
    "actor": ("billing", "billing"),
    "node": ("eu", "eu"),
    "feed": (True, True),
    "feed_shards": (4, 4),
    "receipt_ttl": ("36h", "1d 12h"),
    "head_cache_size": (7, 7),
    "sqlite.synchronous": ("NORMAL", "NORMAL"),
    "encoding.json_bytes_min": (11, 11),
    "encoding.zstd_bytes_min": (12, 12),
    "retry.attempts": (3, 3),
    "retry.wait_initial": (0.5, 0.5),
    "retry.wait_max": ("2m", 120.0),
    "retry.deadline": (31, 31.0),
    "retry.attempt_timeout": ("250ms", 0.25),
    "persistence.snapshot_interval": (9, 9),
    "persistence.snapshot_every": ("1h", "1h"),
    "persistence.snapshot_retention": (8, 8),
    "persistence.segment_events": (70, 70),
    "persistence.compact_sealed": (True, True),
    "persistence.due_shards": (2, 2),
    "history.max_age": ("90d", "90d"),
    "history.max_events": (1000, 1000),
    "history.compact_after": (60, "1m"),
    "transactions.attempts": (6, 6),
    "transactions.wait_initial": (0.25, 0.25),
    "transactions.wait_max": (3, 3.0),
    "transactions.deadline": ("9s", 9.0),
    "transactions.attempt_timeout": (8, 8.0),
    "transactions.max_concurrent": (5, 5),
    "locks.ttl": ("40s", 40.0),
    "locks.renew_deadline": (21, 21.0),
    "locks.retry_period": (1.5, 1.5),
    "subscriptions.delivery": ("exactly_once", "exactly_once"),
    "subscriptions.max_attempts": (2, 2),
    "replicas.read_level": ("eventual", "eventual"),
    "replicas.max_lag": ("5s", "5s"),
    "server.host": ("127.0.0.2", "127.0.0.2"),
    "server.port": (9090, 9090),
    "server.machines": (["a.json", "shop:ORDER"], ["a.json", "shop:ORDER"]),
    "server.auth": ("auth.json", "auth.json"),
    "server.cors": (["https://a.example"], ["https://a.example"]),
    "telemetry.logs": ("json", "json"),
    "telemetry.level": ("DEBUG", "DEBUG"),
}
"""A value of each key that is not its default, as a file says it, and as it is shown."""


def written(tmp_path, said, name="tai-state.json"):
    """Write a file that says *said* by key; return where it is."""
    found: dict[str, Any] = {}
    for key, value in said.items():
        section, _, own = key.rpartition(".")
        (found.setdefault(section, {}) if section else found)[own] = value
    path = tmp_path / name
    path.write_text(json.dumps(found), encoding="utf-8")
    return path


BESIDE = {"replicas.max_lag": {"replicas.read_level": "bounded"}}
"""What has to be said beside a key."""


def text_of(value):
    """Return what a variable says for a file's *value*."""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) if isinstance(value, list) else str(value)


def said_of(settings):
    """Return what is in force that is no default."""
    return {one.key: one.value for one in effective(settings) if one.origin != DEFAULT}


def test_every_key_is_tried_here():
    """A key that is new gets a line above."""
    assert set(OTHER) == set(KEYS)


@pytest.mark.parametrize("key", OTHER)
def test_each_key_counts_in_a_file(key, tmp_path):
    """It is in force then, alone, with where it stands."""
    given_, shown = OTHER[key]
    beside = BESIDE.get(key, {})
    path = written(tmp_path, {key: given_, **beside})
    settings = load_settings(path, {})
    assert said_of(settings) == {key: shown, **beside}
    assert settings.origins == dict.fromkeys([key, *beside], str(path))
    before = {one.key: one.value for one in effective(load_settings(written(tmp_path, {}), {}))}
    assert before[key] != shown


@pytest.mark.parametrize("key", OTHER)
def test_each_key_counts_in_the_environment(key, tmp_path):
    """As in a file, before which it goes."""
    given_, shown = OTHER[key]
    name = next(name for name, said in VARIABLES.items() if said == key)
    beside = BESIDE.get(key, {})
    settings = load_settings(written(tmp_path, beside), {name: text_of(given_)})
    assert said_of(settings) == {key: shown, **beside}
    assert settings.origins[key] == f"${name}"


def test_the_keys_are_the_settings_that_there_are():
    """A setting that is new to a class is new to the file, too, or stands here with the reason."""

    def names(kind):
        return {field.name for field in dataclasses.fields(kind)}

    code_alone = {"retry", "schema_version", "upcasters", "history"}
    assert set(SECTIONS["retry"]) == names(RetryPolicy)
    assert set(SECTIONS["locks"]) == names(LockConfig)
    assert set(SECTIONS["history"]) == names(HistoryPolicy)
    assert set(SECTIONS["persistence"]) >= names(Maintenance)
    assert set(SECTIONS["persistence"]) == names(PersistenceConfig) - code_alone


def test_the_environment_goes_before_the_file_and_the_file_before_the_default(tmp_path):
    """Key by key: what one says of a section leaves the rest of it to the other."""
    path = written(tmp_path, {"locks.ttl": 40, "locks.retry_period": 1})
    settings = load_settings(path, {"TAI_STATE_LOCKS__TTL": "50", "TAI_STATE_ACTOR": ""})
    assert settings.locks == LockConfig(ttl=50.0, retry_period=1.0)
    assert settings.actor is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.toml", 'actor = "x"\n[locks]\nttl = "10s"\n'),
        ("a.yaml", "actor: x\nlocks:\n  ttl: 10s\n"),
        ("a.yml", "\ufeffactor: x\nlocks: {ttl: 10}\n"),
        ("a.json", '{"actor": "x", "locks": {"ttl": 10.0}}'),
    ],
)
def test_a_file_is_read_as_its_name_ends(name, text, tmp_path):
    """All three say the same."""
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert said_of(load(tmp_path / name)) == {"actor": "x", "locks.ttl": 10.0}


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.toml", "[lock]\nttl = 1\n", "'lock' is no setting: did you mean [locks]?"),
        ("a.toml", "stor = 'memory://'\n", "'stor' is no setting: did you mean store?"),
        ("a.toml", "[locks]\ntlt = 1\n", "[locks] 'tlt' is no setting: did you mean ttl?"),
        ("a.toml", "[locks]\nzzz = 1\n", "there are ttl, renew_deadline, retry_period"),
        ("a.toml", "locks = 3\n", "'locks' is a section, and holds settings: ttl,"),
        ("a.toml", "store = 3\n", "store must be a text, not 3"),
        ("a.toml", "store = '  '\n", "store must be a text, not '  '"),
        ("a.toml", "feed = 1\n", "feed must be true or false, not 1"),
        ("a.toml", "feed_shards = true\n", "feed_shards must be a whole number, not True"),
        ("a.toml", "feed_shards = 1.5\n", "feed_shards must be a whole number, not 1.5"),
        ("a.toml", "feed_shards = 0\n", "a.toml: feed_shards must be an int of at least 1, not 0"),
        ("a.toml", "receipt_ttl = '3 weeks'\n", "receipt_ttl must be a number of seconds, or a text such as"),
        ("a.toml", "receipt_ttl = nan\n", "receipt_ttl must be a number of seconds"),
        ("a.toml", "receipt_ttl = 1e300\n", "receipt_ttl must be a number of seconds"),
        ("a.toml", "receipt_ttl = -1\n", "receipt_ttl must be a positive timedelta"),
        ("a.toml", "[server]\ncors = 'x'\n", "server.cors must be a list of texts, not 'x'"),
        ("a.toml", "[server]\nport = 70000\n", "[server] port must be at most 65,535, not 70,000"),
        ("a.toml", "[telemetry]\nlogs = 'xml'\n", "telemetry.logs must be one of none, text, json, not 'xml'"),
        ("a.toml", "[subscriptions]\nmax_attempts = 0\n", "[subscriptions] max_attempts must be an int of at least 1"),
        ("a.toml", "[transactions]\nmax_concurrent = 0\n", "[transactions] max_concurrent must be an int"),
        ("a.toml", "[locks]\nttl = 1\nrenew_deadline = 2\n", "[locks] locks need ttl > renew_deadline"),
        ("a.toml", "node = 'a/b'\n", "node"),
        ("a.toml", "[replicas]\nread_level = 'bounded'\n", "[replicas] max_lag is for read_level bounded, which needs"),
        ("a.toml", "[replicas]\nmax_lag = 3\n", "[replicas] max_lag is for read_level bounded, which needs it"),
        ("a.toml", "a = \n", "is no TOML"),
        ("a.json", '{"actor": "x", "actor": "y"}', "'actor' stands there twice"),
        ("a.json", "[" * 100_000, "is no JSON"),
        ("a.json", "[]", "must hold settings by their names, not a list"),
        ("a.yaml", "actor: x\nactor: y\n", "'actor' stands there twice"),
        ("a.yaml", "!!python/object/apply:os.system [x]\n", "is no YAML"),
        ("a.yaml", "- x\n", "must hold settings by their names, not a list"),
        ("a.ini", "", "a file of settings ends in .toml, .yaml, .yml or .json"),
        ("a.toml", "#" * 1_000_001, "it holds more than 1,000,000 bytes"),
    ],
)
def test_what_is_no_setting_is_refused_by_name(name, text, told, tmp_path):
    """With the file, and what was meant or what there is."""
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as refused:
        load_settings(tmp_path / name, {})
    assert told in str(refused.value)
    assert name in str(refused.value)


def test_a_file_that_cannot_be_read_is_told(tmp_path):
    """One that is not there, and one that is no text."""
    with pytest.raises(ConfigurationError, match=r"the settings cannot be read: .*none\.toml"):
        load(tmp_path / "none.toml")
    (tmp_path / "a.toml").write_bytes(b"a = '\xff'")
    with pytest.raises(ConfigurationError, match=r"a\.toml is not UTF-8: byte 5 is wrong"):
        load(tmp_path / "a.toml")


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("TAI_STATE_LOCK__TTL", "3", "$TAI_STATE_LOCK__TTL is no setting: did you mean $TAI_STATE_LOCKS__TTL?"),
        ("TAI_STATE_QQQQQ", "3", "$TAI_STATE_QQQQQ is no setting: see `tai-state config show --all`"),
        ("TAI_STATE_FEED", "yes", "$TAI_STATE_FEED must be true or false, not 'yes'"),
        ("TAI_STATE_FEED_SHARDS", "1_0", "$TAI_STATE_FEED_SHARDS must be a whole number, not '1_0'"),
        ("TAI_STATE_FEED_SHARDS", "٣", "$TAI_STATE_FEED_SHARDS must be a whole number"),
        ("TAI_STATE_LOCKS__TTL", "1e3", "$TAI_STATE_LOCKS__TTL must be a number of seconds"),
        ("TAI_STATE_LOCKS__TTL", "-1", "$TAI_STATE_LOCKS__TTL must be a number of seconds"),
        ("TAI_STATE_FEED_SHARDS", "0", "$TAI_STATE_FEED_SHARDS: feed_shards must be an int of at least 1"),
    ],
)
def test_a_variable_that_is_no_setting_is_refused_by_name(name, value, told, tmp_path):
    """A variable that nobody reads is the worst kind of setting."""
    with pytest.raises(ConfigurationError) as refused:
        load_settings(written(tmp_path, {}), {name: value})
    assert told in str(refused.value)


def test_a_file_that_nobody_named_is_the_variable_s_or_the_one_here(tmp_path, monkeypatch):
    """Two here, of which nobody could say which one holds, are refused."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TAI_STATE_STORE", raising=False)
    assert said_of(load()) == {}
    (tmp_path / "tai-state.toml").write_text("actor = 'here'", encoding="utf-8")
    assert load().actor == "here"
    monkeypatch.setenv("TAI_STATE_CONFIG", str(written(tmp_path, {"actor": "named"}, "other.json")))
    assert load().actor == "named"
    monkeypatch.delenv("TAI_STATE_CONFIG")
    written(tmp_path, {})
    with pytest.raises(ConfigurationError, match=r"there are tai-state\.toml and tai-state\.json: keep one"):
        load()


@given(st.integers(0, 10**12))
def test_a_duration_is_shown_as_it_is_read(milliseconds):
    """What `config show` writes means the same in a file."""
    span = timedelta(milliseconds=milliseconds)
    assert timedelta(seconds=seconds_of(duration(span))) == pytest.approx(span, abs=timedelta(milliseconds=1))


def test_the_page_has_a_line_for_every_key_with_its_default():
    """In the order in which `config show --all` lists them."""
    page = (DOCS / "configuration.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([^`]+)` \| ([^|]+) \| [^|]{10,} \|$", page, re.MULTILINE)
    assert rows == [(one.key, in_a_row(one.value)) for one in effective(load_settings(None, {}))]


def in_a_row(value):
    """Return a default as the page has it."""
    if value is None or value == []:
        return "-"
    return f"{value:g}" if isinstance(value, float) else text_of(value)
