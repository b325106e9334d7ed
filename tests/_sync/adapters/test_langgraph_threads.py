# Generated from tests/_async/adapters/test_langgraph_threads.py by .ci/generate_sync.py; do not edit.
"""LangGraph: threads that are deleted, copied and pruned, and what is left of them."""
from typing import Any

import pytest
from langgraph.checkpoint.serde.types import _DeltaSnapshot

from tai_state import InvalidDataError
from tai_state.adapters._sync.checkpoints import Checkpoints
from tests._sync.checkpoints import SERDE, Thread
from tests._sync.stores import contents, in_memory


def _texts(value):
    """Return the longer texts in a value."""
    if isinstance(value, str):
        return [value] if len(value) > 9 else []
    return [text for one in (value.values() if isinstance(value, dict) else value or ()) for text in _texts(one)]


class Stopping:
    """A store that is stopped behind so many changes."""

    def __init__(self, store, changes):
        self.store, self.changes = store, changes

    def __getattr__(self, name):
        return getattr(self.store, name)

    def save_state(self, *args, **options):
        if not self.changes:
            raise KeyboardInterrupt
        self.changes -= 1
        return self.store.save_state(*args, **options)


def test_a_deleted_thread_is_erased(thread, store):
    """No value of it is left in any document, and it may begin anew."""
    thread.put("1", metadata={"note": "secret"}, said="secret")
    thread.write("1", [("said", "secret")])
    states = [one for one in store.list_states("langgraph/t")]
    values = [value for one in states for value in _texts(one.data)]
    held = repr(contents(store, "langgraph/t"))
    assert [value for value in values if value not in held] == []
    thread.checkpoints.delete_thread("t")
    thread.checkpoints.delete_thread("nobody")
    left = repr(contents(store, "langgraph/t"))
    assert [value for value in values if value in left] == []
    assert [one for one in store.list_governors()] == ["langgraph/t"]
    thread.put("1", said="again")
    thread.write("1", [("said", 1)])
    assert (thread.get()).checkpoint["channel_values"] == {"said": "again"}
    assert thread.pending("1") == [("task", "said", 1)]


@in_memory
def test_a_copy_that_was_stopped_is_ended_by_the_next(checkpoints, store):
    """The oldest come first, each behind its writes; the source stays as it was."""
    thread = Thread(checkpoints)
    for one in ("1", "2", "3"):
        thread.put(one, metadata={"run_id": "r"}, n=one)
        thread.write(one, [("n", one)])
    copied, before = Thread(checkpoints, "copy"), contents(store, "langgraph/t")
    stopping: Any = Stopping(store, 4)
    with pytest.raises(KeyboardInterrupt):
        Checkpoints(stopping).copy_thread("t", "copy")
    assert (copied.ids(), copied.pending("2")) == (["2", "1"], [("task", "n", "2")])
    checkpoints.copy_thread("t", "copy")
    assert copied.ids() == ["3", "2", "1"]
    assert copied.pending("2") == [("task", "n", "2")]
    assert contents(store, "langgraph/t") == before
    checkpoints.delete_for_runs(["r"])
    assert copied.ids() == []


@in_memory
def test_pruning_keeps_what_a_delta_channel_is_built_from(thread):
    """Back to the checkpoint where its value stands; of other namespaces and threads the latest, or all."""
    delta = {"counters_since_delta_snapshot": {"log": [1, 1]}}
    thread.put("1", log=["old"])
    thread.put("2", "1", delta, log=_DeltaSnapshot(["value"]))
    thread.put("3", "2", delta)
    thread.write("3", [("log", "x")])
    thread.put("3b", "2", delta)
    thread.put("4", "3", delta, other=1)
    child, other = Thread(thread.checkpoints, "t", "child"), Thread(thread.checkpoints, "u")
    for one in (child, other):
        one.put("1", n=1)
        one.put("2", "1", n=2)
    thread.checkpoints.prune(SERDE, ["t", "nobody"], "keep_latest")
    assert thread.ids() == ["4", "3", "2"]
    assert thread.pending("3") == [("task", "log", "x")]
    assert (child.ids(), other.ids()) == (["2"], ["2", "1"])
    thread.checkpoints.prune(SERDE, ["t"], "delete")
    assert (thread.ids(), child.ids(), other.ids()) == ([], [], ["2", "1"])
    with pytest.raises(InvalidDataError, match="keep_latest"):
        thread.checkpoints.prune(SERDE, ["u"], "keep_all")


@in_memory
def test_what_else_is_in_the_store_is_left_alone(store):
    """States of others, and checkpoints under another prefix."""
    mine, theirs = Thread(Checkpoints(store)), Thread(Checkpoints(store, "other/"))
    for one in (mine, theirs):
        one.put("1", metadata={"run_id": "r"})
    store.save_state("zoo", "c-root-1", {"n": 1}, labels={"langgraph_run": "r"})
    for one in (mine, theirs):
        assert (
            len([found for found in one.checkpoints.found(SERDE, None, wanted=None, before=None, limit=None)])
            == 1
        )
    mine.checkpoints.delete_for_runs(["r"])
    assert (mine.ids(), theirs.ids()) == ([], ["1"])
    assert store.exists("zoo", "c-root-1")
