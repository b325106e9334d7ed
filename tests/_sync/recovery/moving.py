# Generated from tests/_async/recovery/moving.py by .ci/generate_sync.py; do not edit.
"""A store with something of everything, and what a file of it says."""
import json
import re

from tai_state import (
    LockManager,
    MemoryStore,
    StateMachinePersister,
    TransactionManager,
    PersistenceConfig,
    export_store,
    recover,
    verify,
    change_context,
)
from tai_state._sync.recovery import export_file
from tai_state.layout import state_layout
from tests._sync.machines import COUNTER
from tests._sync.stores import alter, plant

CONFIG = PersistenceConfig(snapshot_interval=3, snapshot_retention=2, segment_events=3)
PATHS = state_layout("g", "s")
ODD = "état/1"
_KEPT: list[bytes] = []


def fill(store):
    """Fill *store*: states of every kind, keys, snapshots and segments, locks, transactions, repairs and quarantine."""
    persister = StateMachinePersister(store, COUNTER, CONFIG)
    persister.start("g", "s", {"n": 0, "raw": b"\xff\0", "lists": [[1], []]}, idempotency_key="k1")
    for version in range(2, 8):
        persister.transition("g", "s", "add", version, idempotency_key=f"k{version}")
    store.save_state("g", ODD, {"": 1, "$map": {"a": 1.5e300}, "large": "x" * 40_000, "int": 2**62})
    store.save_state("g", "gone", {})
    store.delete_state("g", "gone")
    locks = LockManager(store)
    lock = locks.acquire("r")
    persister.transition("g", "s", "add", 8, lock=lock)
    lock.release()
    locks.break_lock("q", (locks.acquire("q", heartbeat=False)).fencing_token, "test")
    keyed(store)
    damage(store)
    return persister


def filled_file(folder):
    """Return the export of a filled store: it is made once, which takes longer than most of the tests."""
    file = folder / "source.jsonl"
    if not _KEPT:
        source = MemoryStore(actor="tester")
        fill(source)
        export_store(source, file)
        _KEPT.append(file.read_bytes())
    file.write_bytes(_KEPT[0])
    return file


def keyed(store):
    """Run the transaction under its key."""

    def both(tx):
        tx.save_state("h", "a", {"n": 1})
        tx.save_state("g", "b", {"n": 1})
        return "done"

    return TransactionManager(store).run(both, idempotency_key="key", request="both")


def damage(store):
    """Have something repaired, and something put into quarantine, which then is put right."""
    plant(store, PATHS.state, data=5)
    alter(store, state_layout("h", "a"), status="forged")
    for path in (PATHS.event(2), state_layout("h", "a").event(1)):
        plant(store, path, origin="elsewhere")
    with change_context(reason="a test"):
        [report for report in recover(store)]


def problems(store):
    """Return the kinds of all that a check finds."""
    return [one.kind for report in verify(store) for one in report.problems]


def lines_of(file):
    """Return what the lines of an export say."""
    return [json.loads(line) for line in file.read_bytes().splitlines()]


def comparable(file):
    """Return the lines of an export but for its header, with every lock's counter as it was before it was raised."""
    _, *lines = file.read_text().splitlines()
    return [re.sub(r'"fencing_token":(\d+)', _lowered, line) if '"path":"locks/' in line else line for line in lines]


def _lowered(found):
    return f'"fencing_token":{int(found[1]) % 2**20}'


def in_small_pieces(monkeypatch):
    """Have so many documents go into each commit that there are many."""
    monkeypatch.setattr(export_file, "_LINES_READ", 7)
