# Generated from tests/_async/commits/test_commit_cost.py by .ci/generate_sync.py; do not edit.
"""What a commit costs beside its requests: each payload is compressed once, and what is cached is its JSON alone."""
import pytest

from tai_state import StateMachinePersister, Machine, PersistenceConfig, Transition, codec, compression
from tai_state.codec import Payload
from tai_state.layout import state_layout

PAGES = Machine("pages", "on", [Transition("turn", "on", "on", apply=lambda data, payload: {"text": payload})])
PLAIN = Machine("plain", "on", [Transition("add", "on", "on", apply=lambda data, _: {"n": data["n"] + 1})])


@pytest.fixture
def compressed(monkeypatch):
    """What was compressed since the test began."""
    seen: list[bytes] = []

    def noted(raw):
        seen.append(raw)
        return compression.compress(raw)

    monkeypatch.setattr(codec, "compress", noted)
    return seen


@pytest.mark.parametrize("interval", [2, 100])
def test_a_payload_is_compressed_once_a_commit(store, compressed, interval):
    """State, event and snapshot hold the same bytes: the data before, the data behind, and the payload."""
    persister = StateMachinePersister(store, PAGES, PersistenceConfig(snapshot_interval=interval))
    persister.start("g", "s", {"text": "a" * 300_000})
    compressed.clear()
    persister.transition("g", "s", "turn", "b" * 300_000)
    assert len(compressed) == len(set(compressed)) == 3


@pytest.mark.parametrize("interval", [2, 100])
def test_a_cached_head_keeps_no_form_of_its_data(store, interval):
    """Nothing but its JSON stays behind a commit, with a snapshot or without: no parsed map, no compressed bytes."""
    persister = StateMachinePersister(store, PLAIN, PersistenceConfig(snapshot_interval=interval))
    persister.start("g", "s", {"n": 0})
    persister.transition("g", "s", "add")
    head = store.runtime.writer.heads.get(state_layout("g", "s").state)
    assert head is not None
    held = [getattr(head.record.data, name) for name in Payload.__slots__]
    assert [type(one) for one in held if isinstance(one, bytes | dict | list)] == [bytes]
