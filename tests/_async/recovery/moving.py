"""A store with something of everything, and what a file of it says."""

import json
import re

from tai_state import (
    AsyncLockManager,
    AsyncMemoryStore,
    AsyncStateMachinePersister,
    AsyncTransactionManager,
    PersistenceConfig,
    async_export_store,
    async_recover,
    async_verify,
    change_context,
)
from tai_state._async.recovery import export_file
from tai_state.layout import state_layout
from tests._async.machines import COUNTER
from tests._async.stores import async_alter, async_plant

CONFIG = PersistenceConfig(snapshot_interval=3, snapshot_retention=2, segment_events=3)
PATHS = state_layout("g", "s")
ODD = "état/1"
_KEPT: list[bytes] = []


async def async_fill(store):
    """Fill *store*: states of every kind, keys, snapshots and segments, locks, transactions, repairs and quarantine."""
    persister = AsyncStateMachinePersister(store, COUNTER, CONFIG)
    await persister.start("g", "s", {"n": 0, "raw": b"\xff\0", "lists": [[1], []]}, idempotency_key="k1")
    for version in range(2, 8):
        await persister.transition("g", "s", "add", version, idempotency_key=f"k{version}")
    await store.save_state("g", ODD, {"": 1, "$map": {"a": 1.5e300}, "large": "x" * 40_000, "int": 2**62})
    await store.save_state("g", "gone", {})
    await store.delete_state("g", "gone")
    locks = AsyncLockManager(store)
    lock = await locks.acquire("r")
    await persister.transition("g", "s", "add", 8, lock=lock)
    await lock.release()
    await locks.break_lock("q", (await locks.acquire("q", heartbeat=False)).fencing_token, "test")
    await async_keyed(store)
    await async_damage(store)
    return persister


async def async_filled_file(folder):
    """Return the export of a filled store: it is made once, which takes longer than most of the tests."""
    file = folder / "source.jsonl"
    if not _KEPT:
        source = AsyncMemoryStore(actor="tester")
        await async_fill(source)
        await async_export_store(source, file)
        _KEPT.append(file.read_bytes())
    file.write_bytes(_KEPT[0])
    return file


async def async_keyed(store):
    """Run the transaction under its key."""

    async def both(tx):
        await tx.save_state("h", "a", {"n": 1})
        await tx.save_state("g", "b", {"n": 1})
        return "done"

    return await AsyncTransactionManager(store).run(both, idempotency_key="key", request="both")


async def async_damage(store):
    """Have something repaired, and something put into quarantine, which then is put right."""
    await async_plant(store, PATHS.state, data=5)
    await async_alter(store, state_layout("h", "a"), status="forged")
    for path in (PATHS.event(2), state_layout("h", "a").event(1)):
        await async_plant(store, path, origin="elsewhere")
    with change_context(reason="a test"):
        [report async for report in async_recover(store)]


async def async_problems(store):
    """Return the kinds of all that a check finds."""
    return [one.kind async for report in async_verify(store) for one in report.problems]


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
