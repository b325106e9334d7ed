"""The memory store does not sleep: nothing in it has to wait."""

from tai_state import MemoryStore
from tai_state._platform import tasks


def test_no_call_of_the_memory_store_sleeps(monkeypatch):
    """Not even for no time at all, which takes the system some 70 microseconds."""

    def refuse(seconds):
        raise AssertionError(seconds)

    monkeypatch.setattr(tasks, "_sleep", refuse)
    store = MemoryStore(actor="tester")
    store.save_state("g", "s", {})
    assert store.get_state("g", "s")[1] == 1
    assert [one.state_id for one in store.list_states("g")] == ["s"]
    assert store.health().ok
