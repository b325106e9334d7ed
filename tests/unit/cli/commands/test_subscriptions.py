"""``subscriptions``."""

import json
from datetime import datetime

import pytest
from click.testing import CliRunner

from tai_state import SqliteStore
from tai_state.cli import main
from tai_state.feeds import Subscription


class Mail:
    """A handler that fails at one version of a state, until it is mended."""

    def __init__(self):
        self.told = []
        self.is_broken = ("s", 2)

    def __call__(self, event):
        self.told.append((event.state_id, event.version))
        if (event.state_id, event.version) == self.is_broken:
            message = "no such address"
            raise ValueError(message)


@pytest.fixture
def mail():
    return Mail()


@pytest.fixture
def store(tmp_path, mail):
    """A store with a subscription that put an event aside, and one that is behind."""
    with SqliteStore(tmp_path / "feeds.db", actor="ann") as store:
        for state_id in ("s", "s", "s", "t"):
            store.save_state("g", state_id, {})
        Subscription(store, "behind", mail, governor_id="g", delivery="at_most_once").run_once()
        Subscription(store, "mail", mail, max_attempts=1).run_once()
        mail.told.clear()
        for _ in range(2):
            store.save_state("g", "t", {})
        Subscription(store, "mail", mail, max_attempts=1).run_once()
        mail.told.clear()
        yield store


@pytest.fixture
def call(store, tmp_path):
    """Run a command of the group on it, and expect its exit code."""
    url = f"sqlite:///{tmp_path / 'feeds.db'}"

    def run(*arguments, code=0):
        result = CliRunner().invoke(main, ["--store", url, "--actor", "eve", "subscriptions", *arguments])
        assert result.exit_code == code, result.output
        return result

    return run


def lines_of(result):
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_the_subscriptions_are_listed(store, call):
    """Each with how it delivers and how far it has come."""
    rows = lines_of(call("list", "--json"))
    assert [(row["name"], row["delivery"], row["governor_id"], row["shards"], row["pending"]) for row in rows] == [
        ("behind", "at_most_once", "g", 1, 0),
        ("mail", "at_least_once", None, 1, 0),
    ]
    *_, last = store.get_events("g", "t")
    assert datetime.fromisoformat(rows[1]["reached"]) == last.committed_at
    assert [line.split()[0] for line in call("list").stdout.splitlines()] == ["SUBSCRIPTION", "behind", "mail"]


def test_a_store_without_subscriptions_says_so(tmp_path):
    """On stderr: there is nothing to list."""
    with SqliteStore(tmp_path / "empty.db") as store:
        store.save_state("g", "s", {})
    result = CliRunner().invoke(main, ["--store", f"sqlite:///{tmp_path / 'empty.db'}", "subscriptions", "list"])
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "no subscription has begun\n")


def test_the_lag_of_one_or_all_is_told(call):
    """In states and in seconds; what waits for a dead letter is not behind."""
    rows = {row["name"]: row for row in lines_of(call("lag", "--json"))}
    assert (rows["behind"]["states"], rows["mail"]["states"]) == (1, 0)
    assert rows["behind"]["seconds"] > 0
    assert lines_of(call("lag", "mail", "--json")) == [{"name": "mail", "states": 0, "seconds": 0.0}]


def test_dead_letters_are_listed_with_their_errors(call):
    """What could not be delivered, and why."""
    (row,) = lines_of(call("dead", "mail", "--json"))
    assert (row["state_id"], row["version"], row["code"], row["attempts"]) == ("s", 2, "ValueError", 1)
    assert row["event"]["version"] == 2
    assert "no such address" in call("dead", "mail").stdout


def test_a_dead_letter_is_retried(store, call, mail):
    """The workers deliver it, and what waits for it."""
    assert "retried       1" in call("retry", "mail", "g", "s").stdout
    assert call("dead", "mail").stderr == "subscription 'mail' has no dead letters\n"
    mail.is_broken = None
    assert Subscription(store, "mail", mail).run_once() == 2
    assert mail.told == [("s", 2), ("s", 3)]
    assert "retried       0" in call("retry", "mail", "--all", code=1).stdout


def test_all_dead_letters_are_retried_however_many_there_are(store, call, mail, monkeypatch):
    """Not only as many as are listed where nobody says how many."""
    monkeypatch.setitem(Subscription.dead_letters.__kwdefaults__, "limit", 1)
    mail.is_broken = ("u", 1)
    store.save_state("g", "u", {})
    Subscription(store, "mail", mail, max_attempts=1).run_once()
    assert "retried       2" in call("retry", "mail", "--all").stdout


def test_only_what_is_named_is_retried(call):
    """A state, or one version of it; bad usage is told as that."""
    call("retry", "mail", "g", "t", code=1)
    call("retry", "mail", "g", "s", "--version", "3", code=1)
    assert "name a governor and a state, or give --all" in call("retry", "mail", code=2).stderr
    call("retry", "mail", "g", "s", "--all", code=2)
    call("retry", "mail", "g", "s", "--version", "2")


def test_a_subscription_is_reset(store, call, mail):
    """To the beginning, to now, or to a time, once somebody is sure."""
    assert "--yes says that it begins anew" in call("reset", "mail", "beginning", code=2).stderr
    mail.is_broken = None
    call("reset", "mail", "beginning", "--yes")
    assert Subscription(store, "mail", mail).run_once() == 6
    call("reset", "mail", "now", "--yes")
    assert Subscription(store, "mail", mail).run_once() == 0
    call("reset", "mail", "2000-01-01T00:00:00Z", "--yes")
    assert Subscription(store, "mail", mail).run_once() == 6
    assert "has no offset" in call("reset", "mail", "2000-01-01T00:00:00", "--yes", code=2).stderr


def test_a_subscription_that_never_began_is_named(call):
    """Whatever is asked of it."""
    for words in (["lag", "none"], ["dead", "none"], ["retry", "none", "--all"], ["reset", "none", "now", "--yes"]):
        assert "subscription 'none' has not begun" in call(*words, code=1).stderr
