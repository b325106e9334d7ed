"""LangGraph: threads that are deleted, copied and pruned, and what is left of them."""

from typing import Any

import pytest
from langgraph.checkpoint.serde.types import _DeltaSnapshot

from tai_state import InvalidDataError
from tai_state.adapters._async.checkpoints import AsyncCheckpoints
from tests._async.checkpoints import SERDE, AsyncThread
from tests._async.stores import async_contents, in_memory


def _texts(value):
    """Return the longer texts in a value."""
    if isinstance(value, str):
        return [value] if len(value) > 9 else []
    return [text for one in (value.values() if isinstance(value, dict) else value or ()) for text in _texts(one)]


class AsyncStopping:
    """A store that is stopped behind so many changes."""

    def __init__(self, store, changes):
        self.store, self.changes = store, changes

    def __getattr__(self, name):
        return getattr(self.store, name)

    async def save_state(self, *args, **options):
        if not self.changes:
            raise KeyboardInterrupt
        self.changes -= 1
        return await self.store.save_state(*args, **options)


async def test_a_deleted_thread_is_erased(thread, store):
    """No value of it is left in any document, and it may begin anew."""
    await thread.put("1", metadata={"note": "secret"}, said="secret")
    await thread.write("1", [("said", "secret")])
    states = [one async for one in store.list_states("langgraph/t")]
    values = [value for one in states for value in _texts(one.data)]
    held = repr(await async_contents(store, "langgraph/t"))
    assert [value for value in values if value not in held] == []
    await thread.checkpoints.delete_thread("t")
    await thread.checkpoints.delete_thread("nobody")
    left = repr(await async_contents(store, "langgraph/t"))
    assert [value for value in values if value in left] == []
    assert [one async for one in store.list_governors()] == ["langgraph/t"]
    await thread.put("1", said="again")
    await thread.write("1", [("said", 1)])
    assert (await thread.get()).checkpoint["channel_values"] == {"said": "again"}
    assert await thread.pending("1") == [("task", "said", 1)]


@in_memory
async def test_a_copy_that_was_stopped_is_ended_by_the_next(checkpoints, store):
    """The oldest come first, each behind its writes; the source stays as it was."""
    thread = AsyncThread(checkpoints)
    for one in ("1", "2", "3"):
        await thread.put(one, metadata={"run_id": "r"}, n=one)
        await thread.write(one, [("n", one)])
    copied, before = AsyncThread(checkpoints, "copy"), await async_contents(store, "langgraph/t")
    stopping: Any = AsyncStopping(store, 4)
    with pytest.raises(KeyboardInterrupt):
        await AsyncCheckpoints(stopping).copy_thread("t", "copy")
    assert (await copied.ids(), await copied.pending("2")) == (["2", "1"], [("task", "n", "2")])
    await checkpoints.copy_thread("t", "copy")
    assert await copied.ids() == ["3", "2", "1"]
    assert await copied.pending("2") == [("task", "n", "2")]
    assert await async_contents(store, "langgraph/t") == before
    await checkpoints.delete_for_runs(["r"])
    assert await copied.ids() == []


@in_memory
async def test_pruning_keeps_what_a_delta_channel_is_built_from(thread):
    """Back to the checkpoint where its value stands; of other namespaces and threads the latest, or all."""
    delta = {"counters_since_delta_snapshot": {"log": [1, 1]}}
    await thread.put("1", log=["old"])
    await thread.put("2", "1", delta, log=_DeltaSnapshot(["value"]))
    await thread.put("3", "2", delta)
    await thread.write("3", [("log", "x")])
    await thread.put("3b", "2", delta)
    await thread.put("4", "3", delta, other=1)
    child, other = AsyncThread(thread.checkpoints, "t", "child"), AsyncThread(thread.checkpoints, "u")
    for one in (child, other):
        await one.put("1", n=1)
        await one.put("2", "1", n=2)
    await thread.checkpoints.prune(SERDE, ["t", "nobody"], "keep_latest")
    assert await thread.ids() == ["4", "3", "2"]
    assert await thread.pending("3") == [("task", "log", "x")]
    assert (await child.ids(), await other.ids()) == (["2"], ["2", "1"])
    await thread.checkpoints.prune(SERDE, ["t"], "delete")
    assert (await thread.ids(), await child.ids(), await other.ids()) == ([], [], ["2", "1"])
    with pytest.raises(InvalidDataError, match="keep_latest"):
        await thread.checkpoints.prune(SERDE, ["u"], "keep_all")


@in_memory
async def test_what_else_is_in_the_store_is_left_alone(store):
    """States of others, and checkpoints under another prefix."""
    mine, theirs = AsyncThread(AsyncCheckpoints(store)), AsyncThread(AsyncCheckpoints(store, "other/"))
    for one in (mine, theirs):
        await one.put("1", metadata={"run_id": "r"})
    await store.save_state("zoo", "c-root-1", {"n": 1}, labels={"langgraph_run": "r"})
    for one in (mine, theirs):
        assert (
            len([found async for found in one.checkpoints.found(SERDE, None, wanted=None, before=None, limit=None)])
            == 1
        )
    await mine.checkpoints.delete_for_runs(["r"])
    assert (await mine.ids(), await theirs.ids()) == ([], ["1"])
    assert await store.exists("zoo", "c-root-1")
