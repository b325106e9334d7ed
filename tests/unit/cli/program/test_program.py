"""The program: options, exit codes, errors, help, and every example of the help."""

import gzip
import json
import re
import shlex
import sqlite3
import sys
from contextlib import closing
from datetime import timedelta

import click
import pytest

import tai_state
from tai_state import (
    ConfigurationError,
    DamagedStoreError,
    DeadlineExceededError,
    LockManager,
    Machine,
    SqliteStore,
    StateMachinePersister,
    StateNotFoundError,
    StoreError,
    StoreUnavailableError,
    UnsupportedOperationError,
    VersionConflictError,
)
from tai_state.cli import main
from tai_state.cli.program.failures import InterruptedWorkError, exit_code_of, guarded
from tai_state.feeds import Subscription
from tai_state.keys import Keys
from tai_state.sagas import Saga, SagaRunner, Step
from tests.data_log import chained, write_log


def commands(group, path=()):
    """Yield every command and group below *group*, with its path."""
    for name, command in group.commands.items():
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


ALL = [((), main), *commands(main)]


@pytest.mark.parametrize(("path", "command"), ALL, ids=[" ".join(path) or "tai-state" for path, _ in ALL])
def test_help_shows_an_example(run, path, command):
    """Each command says what it does, and shows how it is called."""
    result = run(*path, "--help")
    assert result.exit_code == 0
    assert command.help
    for example in command.examples:
        assert f"  {example}\n" in result.output
        assert example.startswith("tai-state ")


EXAMPLES = sorted({example for _, command in ALL for example in command.examples})
SHOP = """
from tai_state import Machine, Transition

ORDER = Machine(
    "order",
    "new",
    [Transition("paid", "new", "paid"), Transition("sent", "paid", "sent", apply=lambda data, n: {**data, "n": n})],
)
UPCASTERS = {1: lambda data: {**data, "currency": "EUR"}}
"""
NEED_PROCESSES = re.compile(r"tai-state (--store \S+ )?(demo|emulator|serve|adopt firestore-collection)\b")


def write_orders(folder):
    """Write what somebody else kept of two orders: as CSV, as lines of JSON, and in a table of SQLite."""
    lines = "id,state,shop\no-1,new,shop-1\no-2,paid,shop-2\n"
    (folder / "orders.csv").write_text(lines)
    (folder / "orders.csv.gz").write_bytes(gzip.compress(lines.encode()))
    moves = [{"action": "enter", "state": "new", "at": "2026-03-31T14:00:00Z"}]
    rows = [{"id": "o-1", "state": "new", "moves": moves}, {"id": "o-2", "state": "paid", "moves": []}]
    (folder / "orders.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with closing(sqlite3.connect(folder / "shop.db")) as database:
        database.execute("CREATE TABLE o AS SELECT 'o-1' AS id, 'new' AS state")
        database.commit()


@pytest.mark.parametrize("example", [example for example in EXAMPLES if not NEED_PROCESSES.match(example)])
def test_an_example_runs(run, example, tmp_path, monkeypatch):
    """What the help shows works where its files are; the examples with processes run in tests/integration."""
    monkeypatch.chdir(tmp_path)
    order = {
        "name": "order",
        "initial": "new",
        "transitions": [
            {"action": "paid", "source": "new", "target": "paid"},
            {"action": "sent", "source": "paid", "target": "sent"},
        ],
    }
    (tmp_path / "order.scxml").write_text(
        '<scxml xmlns="http://www.w3.org/2005/07/scxml"><state id="new"><transition event="touch"/></state></scxml>'
    )
    for name in ("order.json", "order-2.json", "incident.json"):
        (tmp_path / name).write_text(json.dumps(order))
    (tmp_path / "shop.py").write_text(SHOP)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "shop", raising=False)
    log = chained(["new", "paid"], governor="shop-1", machine="order-17")
    log[1]["at"] = log[0]["at"] = "2026-03-31T14:00:00Z"
    write_log(tmp_path / "incidents.jsonl.gz", log)
    write_orders(tmp_path)
    if " ingest " not in example:
        assert run("--store", "sqlite:///i.db", "ingest", "incidents.jsonl.gz").exit_code == 0
        store = SqliteStore("i.db")
        LockManager(store).acquire("order-17", heartbeat=False)
        orders = StateMachinePersister(store, Machine.from_json(json.dumps(order)))
        orders.start("shop-1", "order-18", {})
        store.save_state("order-service", "order-17", {})
        # Nobody can deliver to a list that cannot be called with an event.
        Subscription(store, "mail", [].pop, max_attempts=1).run_once()
        Keys(store, "visits").increment("n")
        SagaRunner(store, [Saga("order", [Step("pay", print, print)])]).start("shop", "order-17", "order")
        orders.schedule("shop-1", "order-18", "paid", after=timedelta(0))
        store.close()
    if " import " in example:
        assert run("--store", "sqlite:///i.db", "export", "export.jsonl.gz").exit_code == 0
    if " restore " in example:
        assert run("--store", "sqlite:///i.db", "backup", "i.backup").exit_code == 0
    result = run(*shlex.split(example)[1:])
    # A dry run that would change something says so; those of the other commands find nothing to do.
    would_change = " adopt " in example and "--dry-run" in example
    assert result.exit_code == int(would_change), result.output
    assert result.stdout


def test_the_version_is_the_packages(run):
    """--version says which release it is."""
    assert run("--version").output == f"tai-state, version {tai_state.__version__}\n"


def test_an_unknown_command_is_bad_usage(run):
    """Exit code 2, and nothing on stdout."""
    result = run("no-such")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "No such command" in result.stderr


def test_bad_usage_is_json_where_json_is_asked_for(run):
    """A program gets one JSON object on stderr."""
    result = run("--json", "show", "g")
    assert result.exit_code == 2
    assert json.loads(result.stderr)["error"] == "usage"


def test_what_a_user_typed_cannot_harm_the_terminal(run):
    """Control characters of an argument are escaped in the complaint about it."""
    result = run("\x1b[31m")
    assert "\x1b" not in result.stderr
    assert "\\x1b[31m" in result.stderr


@pytest.mark.parametrize("url", ["nosql://x", "sqlite:///", "plain"])
def test_a_store_url_that_cannot_be_is_bad_usage(run, url):
    """The forms that there are are named."""
    result = run("--store", url, "governors")
    assert result.exit_code == 2
    assert "sqlite:///FILE" in result.stderr or "three slashes" in result.stderr


def test_the_environment_names_the_store(run, tmp_path, monkeypatch):
    """Without --store, $TAI_STATE_STORE is used."""
    monkeypatch.setenv("TAI_STATE_STORE", f"sqlite:///{tmp_path}/named.db")
    assert "named.db" in run("governors").stderr


def test_a_store_that_is_not_there_is_not_made(run, tmp_path):
    """Reading says that there is no file, and leaves it at that."""
    result = run("--json", "--store", f"sqlite:///{tmp_path}/none.db", "governors")
    assert result.exit_code == 3
    assert json.loads(result.stderr)["error"] == "store_missing"
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_store_is_refused(run, tmp_path):
    """Somebody else's file is named and left as it is."""
    path = tmp_path / "x.db"
    path.write_text("not a database, but long enough to look at" * 100)
    result = run("--store", f"sqlite:///{path}", "governors")
    assert result.exit_code == 2
    assert "not an SQLite database" in result.stderr


def test_a_damaged_store_was_reached(run, tmp_path):
    """What is broken inside is something left to mend: exit code 1, and its own code."""
    path = tmp_path / "x.db"
    with SqliteStore(path) as store:
        for number in range(200):
            store.save_state("g", f"s-{number}", {"text": "x" * 900})
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    result = run("--json", "--store", f"sqlite:///{path}", "states", "g")
    assert result.exit_code == 1
    assert json.loads(result.stderr)["error"] == "store_damaged"


def test_an_empty_actor_is_refused(run, tmp_path):
    """No change is without an author."""
    result = run("--actor", "", "--store", f"sqlite:///{tmp_path}/x.db", "governors")
    assert result.exit_code == 2
    assert "changed_by" in result.stderr


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StateNotFoundError("g", "s"), 1),
        (VersionConflictError("g/s", 1, 2), 1),
        (ConfigurationError("x"), 2),
        (StoreUnavailableError(), 3),
        (StoreError("x"), 3),
        (DeadlineExceededError("x"), 3),
        (UnsupportedOperationError("x"), 1),
        (DamagedStoreError("x"), 1),
        (InterruptedWorkError("x"), 130),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_each_error_has_its_exit_code(error, code):
    """The codes are those of the contract."""
    assert exit_code_of(error) == code


def test_a_store_that_was_given_up_says_why(capsys):
    """The last failure stands beside the deadline."""
    error = DeadlineExceededError("time is over")
    error.__cause__ = StoreUnavailableError("nobody answers")
    assert guarded(failing(error), as_json=False) == 3
    assert capsys.readouterr().err == "error: time is over; last: nobody answers\n"


def failing(error):
    def run():
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (KeyboardInterrupt(), 130, "error: interrupted\n"),
        (click.Abort(), 130, "error: interrupted\n"),
        (BrokenPipeError(32, "Broken pipe"), 0, ""),
        (OSError(28, "No space left on device"), 1, "error: [Errno 28] No space left on device\n"),
    ],
)
def test_what_the_system_does_ends_without_a_traceback(capsys, error, code, said):
    """Ctrl-C, a reader that went away and a full disk are told in a line at most."""
    assert guarded(failing(error), as_json=False) == code
    assert capsys.readouterr().err == said


def test_a_defect_of_ours_keeps_its_traceback():
    """What nobody foresaw is not hidden."""
    with pytest.raises(ZeroDivisionError):
        guarded(failing(ZeroDivisionError()), as_json=False)


def test_an_error_is_one_json_object(capsys):
    """Code and message stand on stderr, in a line."""
    guarded(failing(StateNotFoundError("g", "s")), as_json=True)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert json.loads(captured.err) == {
        "error": "state_not_found",
        "message": "state 's' of governor 'g' does not exist",
    }
