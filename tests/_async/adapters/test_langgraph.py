"""LangGraph: checkpoints in a store, and what tasks wrote at them. Its own suite runs in tests/integration."""

import random
from functools import partial

import pytest
from langgraph.checkpoint.serde.types import ERROR, INTERRUPT

from tai_state import AsyncBackendStore, DocumentTooLargeError, InvalidIdError
from tai_state._platform.tasks import async_together
from tai_state.adapters._async.checkpoints import AsyncCheckpoints
from tai_state.documents import Put
from tests._async.checkpoints import SERDE, AsyncThread, checkpoint, config
from tests._async.stores import AsyncWrappedBackend, async_contents, in_memory

HOSTILE = ["a", "a/b", "a_b", "a-", "..", "__x__", "état 1", "x@3", "a%2Fb", "🜂", "x" * 400, "\x00", " "]


class AsyncMetered(AsyncWrappedBackend):
    """Counts the documents that lists are given."""

    given = 0

    async def _metered(self, documents):
        async for document in documents:
            self.given += 1
            yield document

    def scan(self, collection, **options):
        return self._metered(super().scan(collection, **options))

    def query(self, query, **options):
        return self._metered(super().query(query, **options))


async def test_a_checkpoint_is_one_commit_and_so_is_what_a_task_wrote(place):
    """Without a look before: what is new is said to be new. The latest is one request, too."""
    store, backend = place.counting()
    thread = AsyncThread(AsyncCheckpoints(store))
    await thread.put("1", n=1)
    backend.taken()
    await thread.put("2", "1", n=2)
    assert backend.taken() == ["commit"]
    assert (await thread.get()).pending_writes == []
    assert len(backend.taken()) == 1
    await thread.write("2", [("n", 3), ("m", 4)])
    assert backend.taken() == ["commit"]
    written = [one for one in backend.commits[-1] if isinstance(one, Put)]
    assert len(written) == 2
    found = await thread.get()
    assert (found.checkpoint["channel_values"], found.parent_config) == ({"n": 2}, config("t", "1"))
    assert found.pending_writes == [("task", "n", 3), ("task", "m", 4)]


@in_memory
async def test_hostile_ids_are_threads_of_their_own(checkpoints):
    """Whatever a thread is called: its checkpoints come back, and those of no other."""
    for number, name in enumerate(HOSTILE):
        await AsyncThread(checkpoints, name).put("1", n=number)
    for number, name in enumerate(HOSTILE):
        found = await AsyncThread(checkpoints, name).get()
        assert (found.config, found.checkpoint["channel_values"]) == (config(name, "1"), {"n": number})
    listed = [one async for one in checkpoints.found(SERDE, None, wanted=None, before=None, limit=None)]
    assert sorted(one.config["configurable"]["thread_id"] for one in listed) == sorted(HOSTILE)
    await checkpoints.delete_thread("a")
    assert await AsyncThread(checkpoints, "a").get() is None
    assert all([await AsyncThread(checkpoints, name).get() for name in HOSTILE[1:]])


@in_memory
async def test_hostile_namespaces_checkpoints_and_tasks_are_their_own(checkpoints):
    """And whatever the other three are called."""
    names = [name for name in HOSTILE if len(name) < 100]
    for number, name in enumerate(names):
        thread = AsyncThread(checkpoints, "t", name * 100)
        await thread.put(name, n=number)
        for task in names:
            await thread.write(name, [("n", task)], task)
    for number, name in enumerate(names):
        found = await AsyncThread(checkpoints, "t", name * 100).get()
        assert (found.checkpoint["id"], found.checkpoint["channel_values"]) == (name, {"n": number})
        assert sorted(found.pending_writes) == [(task, "n", task) for task in sorted(names)]


@in_memory
@pytest.mark.parametrize("given", [{}, {"thread_id": ""}, {"thread_id": "x" * 480}, {"thread_id": "\ud800"}])
async def test_a_thread_that_cannot_be_an_id_is_refused(checkpoints, given):
    """Before anything is sent; a number is one."""
    where = {"configurable": given}
    with pytest.raises(InvalidIdError):
        await checkpoints.put(SERDE, where, checkpoint("1"), {})
    with pytest.raises(InvalidIdError):
        await checkpoints.get(SERDE, where)
    await AsyncThread(checkpoints, 7).put("1")
    assert (await AsyncThread(checkpoints, "7").get()).checkpoint["id"] == "1"


@in_memory
async def test_writes_of_no_checkpoint_are_refused(checkpoints, store):
    """With what the config lacks, and nothing is written."""
    with pytest.raises(InvalidIdError, match="checkpoint_id is missing"):
        await checkpoints.put_writes(SERDE, config(), [("n", 1)], "task", "")
    assert [one async for one in store.list_governors()] == []


@in_memory
async def test_what_was_written_at_a_checkpoint_that_is_not_there_is_none_of_another(thread):
    """Of tasks that were faster than the checkpoint, or outlived it: it is theirs once it comes."""
    await thread.put("1")
    for number in range(9):
        await thread.write("2", [("n", number)], f"task{number}")
    found = await thread.get()
    assert (found.checkpoint["id"], found.pending_writes, await thread.ids()) == ("1", [], ["1"])
    await thread.put("2", "1")
    assert len(await thread.pending("2")) == len((await thread.get()).pending_writes) == 9


@in_memory
async def test_the_latest_is_the_one_of_the_greatest_id(thread):
    """In whatever order they came, and though ids begin with others."""
    for one in ("b", "abc", "a", "ab", "é", "z", "0"):
        await thread.put(one)
    assert (await thread.get()).checkpoint["id"] == "é"
    assert await thread.ids() == ["é", "z", "b", "abc", "ab", "a", "0"]
    assert await thread.ids(before=config(checkpoint_id="abc")) == ["ab", "a", "0"]
    assert await thread.ids(before=config(checkpoint_id="ac"), limit=2) == ["abc", "ab"]


async def test_a_list_goes_over_pages_with_the_writes_of_each(thread, monkeypatch):
    """More than one page of them, some deleted, and only those that are asked for."""
    monkeypatch.setattr("tai_state.adapters._async.checkpoints._PAGE", 5)
    for number in range(12):
        await thread.put(f"{number:03}", metadata={"step": number, "odd": number % 2, "run_id": f"r{number // 4}"})
    for number in (0, 6, 7, 11):
        await thread.write(f"{number:03}", [("n", number)])
    found = [one async for one in thread.checkpoints.found(SERDE, config(), wanted=None, before=None, limit=None)]
    assert [one.metadata["step"] for one in found] == [*range(11, -1, -1)]
    assert {one.metadata["step"]: one.pending_writes for one in found if one.pending_writes} == {
        number: [("task", "n", number)] for number in (0, 6, 7, 11)
    }
    await thread.checkpoints.delete_for_runs(["r2", "r7"])
    assert (await thread.get()).checkpoint["id"] == "007"
    assert await thread.ids(wanted={"odd": 1}, limit=3) == ["007", "005", "003"]
    assert await thread.ids(wanted={"step": 5, "odd": 1}) == ["005"]
    assert await thread.ids(wanted={"none": None}) == []
    assert await thread.get("011") is None
    await thread.put("011")
    assert await thread.pending("011") == []


async def test_what_was_deleted_is_not_read_again(place):
    """Who looks for the latest, or lists them, reads a few documents, however many were there."""
    backend = AsyncMetered(place.store().runtime.access.backend)
    thread = AsyncThread(AsyncCheckpoints(AsyncBackendStore(backend)))
    for number in range(12):
        await thread.put(f"{number:03}", metadata={"run_id": "old" if number else "first"})
    await thread.checkpoints.delete_for_runs(["old"])
    backend.given = 0
    assert (await thread.get()).checkpoint["id"] == "000"
    assert await thread.ids(limit=1) == ["000"]
    assert backend.given <= 6
    await thread.checkpoints.delete_thread("t")
    backend.given = 0
    assert await thread.get() is None
    assert backend.given <= 2


@in_memory
async def test_governors_without_a_prefix_are_listed(store):
    """Where a thread is a governor of the same name."""
    checkpoints = AsyncCheckpoints(store, "")
    await AsyncThread(checkpoints).put("1")
    listed = [one async for one in checkpoints.found(SERDE, None, wanted=None, before=None, limit=None)]
    assert [one.config for one in listed] == [config("t", "1")]


@in_memory
async def test_a_list_without_a_namespace_has_all_of_them(checkpoints):
    """Of one thread, or of all; each namespace for itself, the newest first."""
    for name in ("t", "u"):
        for namespace in ("", "child:1"):
            one = AsyncThread(checkpoints, name, namespace)
            await one.put("1")
            await one.write("1", [("n", namespace)])
            await one.put("2")

    async def listed(where, **asked):
        asked = {"wanted": None, "before": None, "limit": None, **asked}
        found = [one async for one in checkpoints.found(SERDE, where, **asked)]
        return [tuple(one.config["configurable"].values()) for one in found]

    whole = {"configurable": {"thread_id": "t"}}
    of_t = await listed(whole)
    assert sorted(of_t) == [("t", "", "1"), ("t", "", "2"), ("t", "child:1", "1"), ("t", "child:1", "2")]
    assert [one for one in of_t if not one[1]] == [("t", "", "2"), ("t", "", "1")]
    assert await listed(None) == [*of_t, *[("u", *one[1:]) for one in of_t]]
    assert {one[2] for one in await listed(whole, before=config(checkpoint_id="2"))} == {"1"}
    assert await listed(config("t", "1", "child:1")) == [("t", "child:1", "1")]
    assert len(await listed(None, limit=3)) == 3
    assert await listed(None, limit=0) == []


@in_memory
async def test_what_a_task_wrote_stays_and_errors_are_replaced(thread):
    """A task that runs again changes nothing; under new indexes it adds, and what resumes it is the last."""
    await thread.put("1")
    await thread.write("1", [("n", 1)])
    await thread.write("1", [("n", 2), ("m", 3)])
    assert await thread.pending("1") == [("task", "n", 1), ("task", "m", 3)]
    await thread.write("1", [(ERROR, "first"), (INTERRUPT, "a")])
    await thread.write("1", [(ERROR, "second")])
    assert await thread.pending("1") == [
        ("task", INTERRUPT, "a"),
        ("task", ERROR, "second"),
        ("task", "n", 1),
        ("task", "m", 3),
    ]


@in_memory
async def test_a_task_that_runs_again_writes_nothing(place):
    """No commit, so no version."""
    store = place.store()
    thread = AsyncThread(AsyncCheckpoints(store))
    await thread.write("1", [("n", 1)])
    before = await async_contents(store, "langgraph/t")
    await thread.write("1", [("n", 1)])
    await thread.write("1", [])
    assert await async_contents(store, "langgraph/t") == before


async def test_writes_at_once_are_all_kept(thread, place):
    """Of many tasks, and of one task in two processes."""
    other = AsyncThread(AsyncCheckpoints(place.store()))
    await thread.put("1")

    async def write(number):
        one = (thread, other)[number % 2]
        await one.write("1", [(ERROR if number % 3 else "n", number)], f"task {number // 4}")

    await async_together([partial(write, number) for number in range(12)])
    found = [(task, channel) for task, channel, _ in await thread.pending("1")]
    assert sorted(found) == sorted({(f"task {number // 4}", ERROR if number % 3 else "n") for number in range(12)})


@in_memory
async def test_writes_are_in_the_order_in_which_tasks_apply(thread):
    """By path, by task, by index; also those that came before their checkpoint."""
    await thread.write("1", [("c", 1), ("c", 2)], "x", "~2")
    await thread.write("1", [("c", 3)], "y", "~1")
    await thread.write("1", [("c", 4)], "z")
    await thread.put("1")
    assert [value for *_, value in await thread.pending("1")] == [4, 3, 1, 2]
    assert await thread.get("2") is None


@in_memory
async def test_a_checkpoint_of_the_same_id_replaces_the_one_before(thread, store):
    """With its run; what its tasks wrote stays."""
    await thread.put("1", metadata={"run_id": "r"}, n=1)
    await thread.write("1", [("n", 1)])
    await thread.put("1", n=2)
    found = await thread.get("1")
    assert (found.checkpoint["channel_values"], found.metadata) == ({"n": 2}, {})
    assert found.pending_writes == [("task", "n", 1)]
    await thread.checkpoints.delete_for_runs(["r"])
    assert await thread.get("1") is not None


@in_memory
async def test_what_is_larger_than_a_document_is_refused(thread):
    """With its size, and nothing is written."""
    await thread.put("1", n=1)
    noise = random.Random(1).randbytes(800_000)
    with pytest.raises(DocumentTooLargeError) as refused:
        await thread.put("2", blob=noise)
    assert refused.value.size > refused.value.limit
    with pytest.raises(DocumentTooLargeError):
        await thread.write("1", [("blob", noise)])
    found = await thread.get()
    assert (found.checkpoint["id"], found.pending_writes) == ("1", [])
