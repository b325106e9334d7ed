"""Groups of keys on the command line: ``--kind keys`` says that the governor of a command is one."""

import json

import pytest
from click.testing import CliRunner

from tai_state import SqliteStore
from tai_state.cli import main
from tai_state.keys import Increment, Keys


def run(*words):
    """Run a command line."""
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture
def url(tmp_path):
    """A store with a group of keys whose name a governor of a user's has, too."""
    with SqliteStore(tmp_path / "store.db", actor="tester") as store:
        Keys(store, "g").batch([Increment("n"), Increment("n", 4), Increment("m")])
        store.save_state("g", "mine", {})
        store.save_state("~keys:g", "theirs", {})
    return f"sqlite:///{tmp_path / 'store.db'}"


LISTS = [
    (("states", "g"), ["m", "n"]),
    (("history", "g", "n"), ["n", "n"]),
    (("events", "g"), ["m", "n", "n"]),
    (("show", "g", "n"), ["n"]),
]


@pytest.mark.parametrize(("words", "expected"), LISTS, ids=lambda one: one[0])
def test_what_a_group_holds_is_shown(url, words, expected):
    """As of any governor; without the option it is another one's."""
    shown = run("--store", url, "--json", *words, "--kind", "keys")
    assert shown.exit_code == 0, shown.stderr
    assert sorted(json.loads(line)["state_id"] for line in shown.stdout.splitlines()) == expected
    other = run("--store", url, "--json", *words)
    assert not {"n", "m"} & {json.loads(line)["state_id"] for line in other.stdout.splitlines()}


@pytest.mark.parametrize(
    "words",
    [("verify", "g"), ("recover", "g", "--yes"), ("stats", "g"), ("gc", "g", "--yes"), ("verify", "g", "n")],
    ids=" ".join,
)
def test_a_group_is_looked_after(url, words):
    """As any governor is."""
    done = run("--store", url, "--json", *words, "--kind", "keys")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[0])["governor_id"] == "~keys:g"


def test_a_group_is_exported_and_erased(url, tmp_path):
    """Alone; what is exported can be imported elsewhere."""
    file, target = str(tmp_path / "g.jsonl"), f"sqlite:///{tmp_path / 'target.db'}"
    exported = run("--store", url, "--json", "export", "--kind", "keys", "g", file)
    assert (exported.exit_code, json.loads(exported.stdout)["states"]) == (0, 2), exported.stderr
    assert run("--store", target, "import", file).exit_code == 0
    assert "n" in run("--store", target, "states", "g", "--kind", "keys").stdout
    erased = run("--store", url, "--reason", "test", "erase", "g", "--yes", "--kind", "keys")
    assert erased.exit_code == 0, erased.stderr
    assert run("--store", url, "--json", "states", "g", "--kind", "keys").stdout == ""
    assert run("--store", url, "states", "g").exit_code == 0
    assert run("--store", url, "states", "~keys:g").exit_code == 0


def test_groups_are_listed(url):
    """By the names that go with the option."""
    assert run("--store", url, "governors", "--kind", "keys").stdout.split()[1:] == ["g"]
    assert run("--store", url, "governors").stdout.split()[1:] == ["~keys:g", "g"]


def test_a_kind_is_that_of_a_governor(url):
    """Of one that is given, and of a kind that there is."""
    assert run("--store", url, "verify", "--kind", "keys").exit_code == 2
    assert run("--store", url, "export", "--kind", "keys", "all.jsonl").exit_code == 2
    assert run("--store", url, "states", "g", "--kind", "others").exit_code == 2
