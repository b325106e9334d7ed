"""The corruption suite on a log as services write it: many states under several governors, all damaged at once."""

import random
from collections import Counter
from datetime import datetime
from typing import Any

from tai_state import AsyncStateMachinePersister, async_recover, async_verify
from tai_state.layout import state_layout, unescape
from tests._async.recovery import damages
from tests._async.recovery.damages import CASES, VERSIONS
from tests._async.stores import TIMEOUT
from tests.data_log import incidents

SHORT = 3
LINES = 20_000
PLANTED = [
    name
    for name, case in CASES.items()
    if case.kinds.isdisjoint({"lost_mark", "missing_dependent"}) and "machine" not in name
]
"""Dependents and machines are not in this log; the other suite has them."""

Machine = tuple[str, str]


def machine_of(line: dict[str, Any]) -> Machine:
    """Return whose change a line is."""
    return line["governor"], line["machine"]


def pairs_of(lines: list[dict[str, Any]], count: int) -> list[tuple[Machine, Machine]]:
    """Return pairs of a long life and a short one under one governor, each machine in one pair."""
    lives = Counter(map(machine_of, lines))
    short = [one for one, length in lives.items() if length == SHORT]
    pairs: list[tuple[Machine, Machine]] = []
    for one, length in lives.items():
        partner = next((other for other in short if other[0] == one[0]), None)
        if length >= VERSIONS and partner is not None and len(pairs) < count:
            short.remove(partner)
            pairs.append((one, partner))
    return pairs


def told_as(where: Machine, name: str) -> Machine:
    """Return the state that is told of a damage: a stranger's own, or none where nobody knows whose document it is."""
    if "foreign_document" in CASES[name].kinds:
        return where[0], "a.b"
    return (where[0], "") if name == "receipt in the place of another" else where


async def async_applied(store, lines, machines):
    """Record the changes of *machines*, each the next version, up to where the damages expect a state to be."""
    persister = AsyncStateMachinePersister(store, config=damages.CONFIG)
    counts: Counter[Machine] = Counter()
    for line in lines:
        machine = machine_of(line)
        if machine not in machines or counts[machine] == VERSIONS:
            continue
        counts[machine] += 1
        await persister.log_transition(
            *machine,
            line["to"],
            to_status=line["to"],
            data=line["data"],
            occurred_at=datetime.fromisoformat(line["at"]),
            idempotency_key=f"k{counts[machine]}",
        )
    return persister


def state_of(path: str, fields: dict[str, Any]) -> Machine:
    """Return the state that a document is of: the id of a receipt does not tell it, its fields do."""
    _, governor_id, collection, document_id = path.rsplit("/", 3)
    state_id = fields["state_id"] if collection == "receipts" else unescape(document_id.partition("@")[0])
    return unescape(governor_id), state_id


async def async_fields(store, governors):
    """Return the fields of every document of *governors* that a repair brings back."""
    found: dict[str, dict[str, Any]] = {}
    for governor_id in governors:
        layout = state_layout(governor_id, "x").governor
        for name in ("states", "events", "snapshots", "segments", "receipts"):
            async for one in store.runtime.access.backend.scan(getattr(layout, name), timeout=TIMEOUT):
                found[str(one.path)] = {key: value for key, value in one.fields.items() if key != "committed_at"}
    return found


async def test_a_log_that_was_damaged_everywhere_is_told_and_repaired(store, scale, monkeypatch):
    """One damage a state, of each kind: each is told, what is not determined stays, and all else is as it was."""
    lines = incidents(LINES)
    pairs = pairs_of(lines, scale(10, 2 * len(PLANTED)))
    persister = await async_applied(store, lines, {one for pair in pairs for one in pair})
    governors = sorted({governor_id for (governor_id, _), _ in pairs})
    sound = await async_fields(store, governors)
    planted: dict[Machine, str] = {}
    # Mixed, so that the few of a small run are of every kind.
    mixed = random.Random(1).sample(PLANTED, len(PLANTED))
    for number, ((governor_id, long), (_, short)) in enumerate(pairs):
        name = mixed[number % len(mixed)]
        monkeypatch.setattr(damages, "S", state_layout(governor_id, long))
        monkeypatch.setattr(damages, "T", state_layout(governor_id, short))
        await CASES[name].damage(store)
        planted[governor_id, short if "young" in name else long] = name
    told = {(one.governor_id, each.state_id) async for one in async_verify(store) for each in one.problems}
    assert told == {told_as(where, name) for where, name in planted.items()}
    reports = [await persister.recover(governor_id) for governor_id in governors]
    left = {(one.governor_id, each.state_id) for one in reports for each in one.unresolved}
    undetermined = {where: name for where, name in planted.items() if not CASES[name].is_determined}
    assert left == {told_as(where, name) for where, name in undetermined.items()}
    after = await async_fields(store, governors)
    differing = {path for path in sound if after.get(path) != sound[path]}
    assert {state_of(path, sound[path]) for path in differing} <= set(undetermined)
    again = [report async for report in async_recover(store)]
    assert [repair for report in again for repair in report.repaired] == []
