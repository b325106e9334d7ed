"""``adopt``, from files and queries."""

import json
import sqlite3

import pytest
from click.testing import CliRunner

from tai_state import Machine, SqliteStore, StoreUnavailableError, Transition
from tai_state.adoption import adopting, writing
from tai_state.cli import main

WORDS = ("--status-field", "state", "--governor", "shop")


@pytest.fixture
def call(tmp_path, monkeypatch):
    """Run the command in a folder of its own, and expect its exit code."""
    monkeypatch.chdir(tmp_path)

    def call(*words, code=0):
        result = CliRunner().invoke(main, ["--store", "sqlite:///s.db", "adopt", *words])
        assert result.exit_code == code, result.output
        return result

    return call


def states(tmp_path):
    with SqliteStore(tmp_path / "s.db", read_only=True) as store:
        return {one.state_id: (one.status, one.data) for one in store.list_states("shop")}


def test_rows_of_csv_become_states(call, tmp_path):
    """Their values are texts."""
    (tmp_path / "o.csv").write_text("no;state;total\n7;new;3\n")
    text = call("csv", "o.csv", "--delimiter", ";", "--id-field", "no", *WORDS).stdout
    assert [line.split() for line in text.splitlines()] == [
        ["source", "o.csv"],
        ["rows", "1"],
        ["adopted", "1"],
        ["verified", "1"],
    ]
    assert states(tmp_path) == {"7": ("new", {"total": "3"})}


def test_rows_of_a_query_become_states_and_the_file_stays(call, tmp_path):
    """The governor may be a column."""
    with sqlite3.connect(tmp_path / "theirs.db") as connection:
        connection.execute("CREATE TABLE orders (id, state, shop, total)")
        connection.execute("INSERT INTO orders VALUES (7, 'new', 'shop', 3)")
    connection.close()
    before = (tmp_path / "theirs.db").read_bytes()
    query = "SELECT * FROM orders -- all of them"
    call("sql", "theirs.db", "--query", query, "--status-field", "state", "--governor-field", "shop")
    assert states(tmp_path) == {"7": ("new", {"total": 3})}
    assert (tmp_path / "theirs.db").read_bytes() == before


def test_bad_lines_are_named_and_the_exit_code_says_so(call, tmp_path):
    """A program gets them as one object."""
    (tmp_path / "o.jsonl").write_text('{"id": "a", "state": "new"}\n{"id": "b", "state": "lost"}\n{\n')
    machine = Machine("order", "new", [Transition("pay", "new", "paid")])
    (tmp_path / "order.json").write_text(machine.to_json())
    text = call("jsonl", "o.jsonl", *WORDS, "--machine", "order.json", code=1).stdout
    assert "o.jsonl, line 2  refused  state  machine 'order' has no status 'lost'; it has 'new', 'paid'" in text
    assert "o.jsonl, line 3  refused         is no JSON" in text
    told = json.loads(call("jsonl", "o.jsonl", *WORDS, "--machine", "order.json", "--json", code=1).stdout)
    assert (told["rows"], told["adopted"], told["verified"], told["counts"]) == (3, 0, 1, {"refused": 2})
    assert [one["place"] for one in told["findings"]] == ["o.jsonl, line 2", "o.jsonl, line 3"]


def test_a_dry_run_makes_no_store(call, tmp_path):
    """Its exit code says that something would be done."""
    (tmp_path / "o.jsonl").write_text('{"id": "a", "state": "new"}\n')
    text = call("jsonl", "o.jsonl", *WORDS, "--dry-run", code=1).stdout
    assert "would be adopted  1" in text
    assert not (tmp_path / "s.db").exists()
    call("jsonl", "o.jsonl", *WORDS)
    assert "would be adopted  0" in call("jsonl", "o.jsonl", *WORDS, "--dry-run").stdout


def test_earlier_moves_by_the_names_of_their_fields(call, tmp_path):
    """As a column of JSON."""
    moves = json.dumps(
        [{"to": "new", "when": "2024-01-01T00:00:00Z", "who": "ann", "what": "create", "then": {"n": 1}}]
    )
    (tmp_path / "o.jsonl").write_text(json.dumps({"id": "a", "state": "paid", "log": moves}) + "\n")
    names = (
        "status-field",
        "to",
        "time-field",
        "when",
        "actor-field",
        "who",
        "action-field",
        "what",
        "data-field",
        "then",
    )
    options = [
        word for name, value in zip(names[::2], names[1::2], strict=True) for word in (f"--history-{name}", value)
    ]
    assert "earlier moves  1" in call("jsonl", "o.jsonl", *WORDS, "--history", "log", *options).stdout
    with SqliteStore(tmp_path / "s.db", read_only=True) as store:
        first, second = store.get_events("shop", "a")
    assert (first.action, first.to_status, first.to_state, first.metadata.changed_by) == (
        "create",
        "new",
        {"n": 1},
        "ann",
    )
    assert second.action == "adopt"


def test_a_run_that_stops_says_how_far_it_came(call, tmp_path, monkeypatch):
    """And how to go on."""
    (tmp_path / "o.jsonl").write_text("".join(f'{{"id": "{n}", "state": "new"}}\n' for n in range(5)))
    sound = writing.Writer.write
    written: list[object] = []

    def write(self, candidates):
        if len(written) == 2:
            raise StoreUnavailableError
        written.append(candidates)
        sound(self, candidates)

    monkeypatch.setattr(adopting, "PAGE_ROWS", 2)
    monkeypatch.setattr(writing.Writer, "write", write)
    told = call("jsonl", "o.jsonl", *WORDS, code=3).stderr
    assert "4 rows were looked at, and what is adopted stays: run the same command again to go on" in told
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert "behind row 4" in call("jsonl", "o.jsonl", *WORDS).stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("jsonl", "o.jsonl", "--status-field", "state"), "governor says whose the states are"),
        (("jsonl", "o.jsonl", *WORDS, "--governor-field", "x"), "are both given"),
        (("csv", "o.jsonl", *WORDS, "--delimiter", ""), "delimiter must be one character"),
        (("sql", "o.jsonl", *WORDS, "--query", "SELECT * FROM orders"), "the query cannot be run"),
        (("jsonl", "none.jsonl", *WORDS), "does not exist"),
        (("firestore-collection", "orders", *WORDS, "--history-key", "order"), "give that, too"),
        (("firestore-collection", "orders/o-1", *WORDS), "is no path of a collection"),
    ],
)
def test_bad_usage_is_told(call, tmp_path, words, message):
    """Before anything is made."""
    (tmp_path / "o.jsonl").write_text('{"id": "a", "state": "new"}\n')
    assert message in call(*words, code=2).stderr
    assert not (tmp_path / "s.db").exists()
