"""A state's history as JSON objects: every field of every event, and read back without loss."""

import json
from datetime import UTC, datetime

import pytest

from tai_state import AsyncStateMachinePersister, StateNotFoundError
from tai_state.values import from_json
from tests._async.machines import COUNTER


async def test_a_history_is_exported_as_json(store):
    """One object an event, in their order."""
    persister = AsyncStateMachinePersister(store, COUNTER)
    at = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
    await persister.start("g", "s", {"n": 0, "raw": b"\x00", "at": at})
    await persister.transition("g", "s", "add", 2)
    events = [event async for event in persister.history("g", "s")]
    lines = [json.dumps(one) async for one in persister.export_history("g", "s")]
    assert len(lines) == 2
    for event, line in zip(events, lines, strict=True):
        told = json.loads(line)
        assert set(told) == set(type(event).model_fields)
        assert (told["version"], told["hash"]) == (event.version, event.hash)
        assert from_json(json.dumps(told["to_state"])) == event.to_state
        assert datetime.fromisoformat(told["timestamp"]) == event.timestamp
    later = [one async for one in persister.export_history("g", "s", after=1)]
    assert [one["version"] for one in later] == [2]


async def test_a_state_that_never_was_has_none(store):
    """As for its history."""
    with pytest.raises(StateNotFoundError):
        _ = [one async for one in AsyncStateMachinePersister(store, COUNTER).export_history("g", "never")]
