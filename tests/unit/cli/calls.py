"""A call of every command, as somebody makes it who sees the program for the first time; and what kind each is.

A command that is not here fails a test: where it is tried is decided by its kind, and nothing else has to be written.
"""

import sqlite3
from pathlib import Path
from typing import NamedTuple

import click

from tai_state import LockManager, Machine, SqliteStore, StateMachinePersister, Transition, export_store
from tai_state.cli import main
from tai_state.feeds import Subscription
from tai_state.sagas import Saga, SagaRunner, Step
from tests.data_log import log_lines, write_log

DOOR = Machine("door", "shut", [Transition("open", "shut", "open"), Transition("close", "open", "shut")])
STORE = "s.db"


class Call(NamedTuple):
    """What is typed behind the program's name.

    Attributes:
        kind: "reads" or "changes" what is in a store; "makes" a store where there is none; "files": it has no store;
            "serves": it does not end by itself; "fetches": it needs another engine than the store's.
        unknown: The same call, of something that is not there; () where it names nothing.
        only_sqlite: Whether other engines refuse it as bad usage.
    """

    kind: str
    words: tuple[str, ...]
    unknown: tuple[str, ...] = ()
    only_sqlite: bool = False


BECAUSE = ("--reason", "because")

ADOPTED = ("--status-field", "state", "--governor", "adopted")

CALLS = {
    "adopt csv": Call("makes", ("adopt", "csv", "rows.csv", *ADOPTED)),
    "adopt firestore-collection": Call("fetches", ("adopt", "firestore-collection", "rows", *ADOPTED)),
    "adopt jsonl": Call("makes", ("adopt", "jsonl", "rows.jsonl", *ADOPTED)),
    "adopt sql": Call("makes", ("adopt", "sql", "rows.db", "--query", "SELECT 'r' AS id, 'new' AS state", *ADOPTED)),
    "backup": Call("reads", ("backup", "copy.db"), only_sqlite=True),
    "config check": Call("files", ("config", "check")),
    "config show": Call("files", ("config", "show")),
    "demo": Call("makes", ("demo",)),
    "diff": Call("reads", ("diff", "g", "s", "1", "2"), ("diff", "g", "none", "1", "2")),
    "doctor": Call("reads", ("doctor",)),
    "due list": Call("reads", ("due", "list", "--machine", "door.json")),
    "due run": Call("changes", ("due", "run", "--once", "--machine", "door.json")),
    "emulator start": Call("files", ("emulator", "start")),
    "emulator status": Call("files", ("emulator", "status")),
    "emulator stop": Call("files", ("emulator", "stop")),
    "erase": Call("changes", ("erase", "g", "s", "--yes", *BECAUSE), ("erase", "g", "none", "--yes", *BECAUSE)),
    "estimate": Call("files", ("estimate", "--machines", "9", "--moves-per-second", "1", "--data-bytes", "500")),
    "events": Call("reads", ("events", "g"), ("events", "none")),
    "export": Call("reads", ("export", "copy.jsonl"), ("export", "none", "copy.jsonl")),
    "gc": Call("changes", ("gc", "--yes"), ("gc", "none", "--yes")),
    "governors": Call("reads", ("governors",)),
    "history": Call("reads", ("history", "g", "s"), ("history", "g", "none")),
    "import": Call("makes", ("import", "other.jsonl")),
    "ingest": Call("makes", ("ingest", "log.jsonl")),
    "locks break": Call(
        "changes",
        ("locks", "break", "held", "--token", "1", *BECAUSE),
        ("locks", "break", "none", "--token", "1", *BECAUSE),
    ),
    "locks inspect": Call("reads", ("locks", "inspect", "held"), ("locks", "inspect", "none")),
    "locks list": Call("reads", ("locks", "list")),
    "machine check": Call("files", ("machine", "check", "door.json")),
    "machine convert": Call("files", ("machine", "convert", "door.scxml")),
    "machine diagram": Call("files", ("machine", "diagram", "door.json")),
    "machine diff": Call("files", ("machine", "diff", "door.json", "door.json")),
    "migrate": Call(
        "changes", ("migrate", "--upcasters", "ours", "--yes"), ("migrate", "none", "--upcasters", "ours", "--yes")
    ),
    "recover": Call("changes", ("recover", "--yes"), ("recover", "none", "--yes")),
    "restore": Call("makes", ("restore", "backup.db", "--yes"), only_sqlite=True),
    "rollback": Call(
        "changes",
        ("rollback", "g", "s", "1", "--machine", "door.json", *BECAUSE),
        ("rollback", "g", "none", "1", "--machine", "door.json", *BECAUSE),
    ),
    "sagas compensate": Call(
        "changes", ("sagas", "compensate", "g", "o", "--yes"), ("sagas", "compensate", "g", "none", "--yes")
    ),
    "sagas list": Call("reads", ("sagas", "list", "g")),
    "sagas retry": Call("changes", ("sagas", "retry", "g", "o"), ("sagas", "retry", "g", "none")),
    "sagas show": Call("reads", ("sagas", "show", "g", "o"), ("sagas", "show", "g", "none")),
    "serve": Call("serves", ("serve",)),
    "show": Call("reads", ("show", "g", "s"), ("show", "g", "none")),
    "snapshot": Call("changes", ("snapshot", "g", "s"), ("snapshot", "g", "none")),
    "states": Call("reads", ("states", "g"), ("states", "none")),
    "stats": Call("reads", ("stats",), ("stats", "none")),
    "subscriptions dead": Call("reads", ("subscriptions", "dead", "mail"), ("subscriptions", "dead", "none")),
    "subscriptions lag": Call("reads", ("subscriptions", "lag"), ("subscriptions", "lag", "none")),
    "subscriptions list": Call("reads", ("subscriptions", "list")),
    "subscriptions reset": Call(
        "changes",
        ("subscriptions", "reset", "mail", "now", "--yes"),
        ("subscriptions", "reset", "none", "now", "--yes"),
    ),
    "subscriptions retry": Call(
        "changes", ("subscriptions", "retry", "mail", "--all"), ("subscriptions", "retry", "none", "--all")
    ),
    "sync": Call(
        "files",
        ("sync", "sqlite:///s.db", "sqlite:///other.db"),
        ("sync", "sqlite:///s.db", "sqlite:///other.db", "--governor", "none"),
    ),
    "transition": Call(
        "changes",
        ("transition", "g", "s", "close", "--machine", "door.json", *BECAUSE),
        ("transition", "g", "none", "close", "--machine", "door.json", *BECAUSE),
    ),
    "verify": Call("reads", ("verify",), ("verify", "g", "none")),
}


def leaves(group: click.Group = main, typed: str = "") -> list[str]:
    """Return what is typed for each command that is no group."""
    found = []
    for name, command in group.commands.items():
        path = f"{typed} {name}".strip()
        found += leaves(command, path) if isinstance(command, click.Group) else [path]
    return sorted(found)


def of_kinds(*kinds: str) -> list[str]:
    """Return the commands of some kinds; those that start processes of their own are tried elsewhere."""
    return [name for name, call in CALLS.items() if call.kind in kinds and name != "demo"]


def make_store(path: Path) -> None:
    """Make a store in which every call finds what it asks for; somebody seems to hold a lock."""
    made = path.with_name("made.db")
    with SqliteStore(made, actor="ann") as store:
        persister = StateMachinePersister(store, DOOR)
        persister.start("g", "s", {"n": 1})
        persister.transition("g", "s", "open")
        # Nobody can deliver to a list that cannot be called with an event.
        Subscription(store, "mail", [].pop, max_attempts=1).run_once()
        SagaRunner(store, [Saga("order", [Step("pay", print)])]).start("g", "o", "order", {"n": 1})
        LockManager(store).acquire("held", ttl=3_600.0, heartbeat=False)
        # Closing the store releases the lock: in the copy it stays.
        store.backup(path)
    made.unlink()


def make_files(folder: Path) -> None:
    """Make what the calls name: a store, files to import, ingest and restore, a machine, upcasters."""
    make_store(folder / STORE)
    with SqliteStore(folder / "other.db", actor="ann") as store:
        store.save_state("other", "s", {})
        store.backup(folder / "backup.db")
        export_store(store, folder / "other.jsonl")
    write_log(folder / "log.jsonl", log_lines(3))
    (folder / "door.json").write_text(DOOR.to_json())
    (folder / "door.scxml").write_text(
        '<scxml xmlns="http://www.w3.org/2005/07/scxml"><state id="open"><transition event="close"/></state></scxml>'
    )
    (folder / "rows.csv").write_text("id,state\nr,new\n")
    (folder / "rows.jsonl").write_text('{"id": "r", "state": "new"}\n')
    sqlite3.connect(folder / "rows.db").close()
    (folder / "ours.py").write_text("UPCASTERS = {1: lambda data: data}\n")
