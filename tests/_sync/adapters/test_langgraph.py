# Generated from tests/_async/adapters/test_langgraph.py by .ci/generate_sync.py; do not edit.
"""LangGraph: checkpoints in a store, and what tasks wrote at them. Its own suite runs in tests/integration."""
import random
from functools import partial

import pytest
from langgraph.checkpoint.serde.types import ERROR, INTERRUPT

from tai_state import BackendStore, DocumentTooLargeError, InvalidIdError
from tai_state._platform.tasks import together
from tai_state.adapters._sync.checkpoints import Checkpoints
from tai_state.documents import Put
from tests._sync.checkpoints import SERDE, Thread, checkpoint, config
from tests._sync.stores import WrappedBackend, contents, in_memory

HOSTILE = ["a", "a/b", "a_b", "a-", "..", "__x__", "état 1", "x@3", "a%2Fb", "🜂", "x" * 400, "\x00", " "]


class Metered(WrappedBackend):
    """Counts the documents that lists are given."""

    given = 0

    def _metered(self, documents):
        for document in documents:
            self.given += 1
            yield document

    def scan(self, collection, **options):
        return self._metered(super().scan(collection, **options))

    def query(self, query, **options):
        return self._metered(super().query(query, **options))


def test_a_checkpoint_is_one_commit_and_so_is_what_a_task_wrote(place):
    """Without a look before: what is new is said to be new. The latest is one request, too."""
    store, backend = place.counting()
    thread = Thread(Checkpoints(store))
    thread.put("1", n=1)
    backend.taken()
    thread.put("2", "1", n=2)
    assert backend.taken() == ["commit"]
    assert (thread.get()).pending_writes == []
    assert len(backend.taken()) == 1
    thread.write("2", [("n", 3), ("m", 4)])
    assert backend.taken() == ["commit"]
    written = [one for one in backend.commits[-1] if isinstance(one, Put)]
    assert len(written) == 2
    found = thread.get()
    assert (found.checkpoint["channel_values"], found.parent_config) == ({"n": 2}, config("t", "1"))
    assert found.pending_writes == [("task", "n", 3), ("task", "m", 4)]


@in_memory
def test_hostile_ids_are_threads_of_their_own(checkpoints):
    """Whatever a thread is called: its checkpoints come back, and those of no other."""
    for number, name in enumerate(HOSTILE):
        Thread(checkpoints, name).put("1", n=number)
    for number, name in enumerate(HOSTILE):
        found = Thread(checkpoints, name).get()
        assert (found.config, found.checkpoint["channel_values"]) == (config(name, "1"), {"n": number})
    listed = [one for one in checkpoints.found(SERDE, None, wanted=None, before=None, limit=None)]
    assert sorted(one.config["configurable"]["thread_id"] for one in listed) == sorted(HOSTILE)
    checkpoints.delete_thread("a")
    assert Thread(checkpoints, "a").get() is None
    assert all([Thread(checkpoints, name).get() for name in HOSTILE[1:]])


@in_memory
def test_hostile_namespaces_checkpoints_and_tasks_are_their_own(checkpoints):
    """And whatever the other three are called."""
    names = [name for name in HOSTILE if len(name) < 100]
    for number, name in enumerate(names):
        thread = Thread(checkpoints, "t", name * 100)
        thread.put(name, n=number)
        for task in names:
            thread.write(name, [("n", task)], task)
    for number, name in enumerate(names):
        found = Thread(checkpoints, "t", name * 100).get()
        assert (found.checkpoint["id"], found.checkpoint["channel_values"]) == (name, {"n": number})
        assert sorted(found.pending_writes) == [(task, "n", task) for task in sorted(names)]


@in_memory
@pytest.mark.parametrize("given", [{}, {"thread_id": ""}, {"thread_id": "x" * 480}, {"thread_id": "\ud800"}])
def test_a_thread_that_cannot_be_an_id_is_refused(checkpoints, given):
    """Before anything is sent; a number is one."""
    where = {"configurable": given}
    with pytest.raises(InvalidIdError):
        checkpoints.put(SERDE, where, checkpoint("1"), {})
    with pytest.raises(InvalidIdError):
        checkpoints.get(SERDE, where)
    Thread(checkpoints, 7).put("1")
    assert (Thread(checkpoints, "7").get()).checkpoint["id"] == "1"


@in_memory
def test_writes_of_no_checkpoint_are_refused(checkpoints, store):
    """With what the config lacks, and nothing is written."""
    with pytest.raises(InvalidIdError, match="checkpoint_id is missing"):
        checkpoints.put_writes(SERDE, config(), [("n", 1)], "task", "")
    assert [one for one in store.list_governors()] == []


@in_memory
def test_what_was_written_at_a_checkpoint_that_is_not_there_is_none_of_another(thread):
    """Of tasks that were faster than the checkpoint, or outlived it: it is theirs once it comes."""
    thread.put("1")
    for number in range(9):
        thread.write("2", [("n", number)], f"task{number}")
    found = thread.get()
    assert (found.checkpoint["id"], found.pending_writes, thread.ids()) == ("1", [], ["1"])
    thread.put("2", "1")
    assert len(thread.pending("2")) == len((thread.get()).pending_writes) == 9


@in_memory
def test_the_latest_is_the_one_of_the_greatest_id(thread):
    """In whatever order they came, and though ids begin with others."""
    for one in ("b", "abc", "a", "ab", "é", "z", "0"):
        thread.put(one)
    assert (thread.get()).checkpoint["id"] == "é"
    assert thread.ids() == ["é", "z", "b", "abc", "ab", "a", "0"]
    assert thread.ids(before=config(checkpoint_id="abc")) == ["ab", "a", "0"]
    assert thread.ids(before=config(checkpoint_id="ac"), limit=2) == ["abc", "ab"]


def test_a_list_goes_over_pages_with_the_writes_of_each(thread, monkeypatch):
    """More than one page of them, some deleted, and only those that are asked for."""
    monkeypatch.setattr("tai_state.adapters._sync.checkpoints._PAGE", 5)
    for number in range(12):
        thread.put(f"{number:03}", metadata={"step": number, "odd": number % 2, "run_id": f"r{number // 4}"})
    for number in (0, 6, 7, 11):
        thread.write(f"{number:03}", [("n", number)])
    found = [one for one in thread.checkpoints.found(SERDE, config(), wanted=None, before=None, limit=None)]
    assert [one.metadata["step"] for one in found] == [*range(11, -1, -1)]
    assert {one.metadata["step"]: one.pending_writes for one in found if one.pending_writes} == {
        number: [("task", "n", number)] for number in (0, 6, 7, 11)
    }
    thread.checkpoints.delete_for_runs(["r2", "r7"])
    assert (thread.get()).checkpoint["id"] == "007"
    assert thread.ids(wanted={"odd": 1}, limit=3) == ["007", "005", "003"]
    assert thread.ids(wanted={"step": 5, "odd": 1}) == ["005"]
    assert thread.ids(wanted={"none": None}) == []
    assert thread.get("011") is None
    thread.put("011")
    assert thread.pending("011") == []


def test_what_was_deleted_is_not_read_again(place):
    """Who looks for the latest, or lists them, reads a few documents, however many were there."""
    backend = Metered(place.store().runtime.access.backend)
    thread = Thread(Checkpoints(BackendStore(backend)))
    for number in range(12):
        thread.put(f"{number:03}", metadata={"run_id": "old" if number else "first"})
    thread.checkpoints.delete_for_runs(["old"])
    backend.given = 0
    assert (thread.get()).checkpoint["id"] == "000"
    assert thread.ids(limit=1) == ["000"]
    assert backend.given <= 6
    thread.checkpoints.delete_thread("t")
    backend.given = 0
    assert thread.get() is None
    assert backend.given <= 2


@in_memory
def test_governors_without_a_prefix_are_listed(store):
    """Where a thread is a governor of the same name."""
    checkpoints = Checkpoints(store, "")
    Thread(checkpoints).put("1")
    listed = [one for one in checkpoints.found(SERDE, None, wanted=None, before=None, limit=None)]
    assert [one.config for one in listed] == [config("t", "1")]


@in_memory
def test_a_list_without_a_namespace_has_all_of_them(checkpoints):
    """Of one thread, or of all; each namespace for itself, the newest first."""
    for name in ("t", "u"):
        for namespace in ("", "child:1"):
            one = Thread(checkpoints, name, namespace)
            one.put("1")
            one.write("1", [("n", namespace)])
            one.put("2")

    def listed(where, **asked):
        asked = {"wanted": None, "before": None, "limit": None, **asked}
        found = [one for one in checkpoints.found(SERDE, where, **asked)]
        return [tuple(one.config["configurable"].values()) for one in found]

    whole = {"configurable": {"thread_id": "t"}}
    of_t = listed(whole)
    assert sorted(of_t) == [("t", "", "1"), ("t", "", "2"), ("t", "child:1", "1"), ("t", "child:1", "2")]
    assert [one for one in of_t if not one[1]] == [("t", "", "2"), ("t", "", "1")]
    assert listed(None) == [*of_t, *[("u", *one[1:]) for one in of_t]]
    assert {one[2] for one in listed(whole, before=config(checkpoint_id="2"))} == {"1"}
    assert listed(config("t", "1", "child:1")) == [("t", "child:1", "1")]
    assert len(listed(None, limit=3)) == 3
    assert listed(None, limit=0) == []


@in_memory
def test_what_a_task_wrote_stays_and_errors_are_replaced(thread):
    """A task that runs again changes nothing; under new indexes it adds, and what resumes it is the last."""
    thread.put("1")
    thread.write("1", [("n", 1)])
    thread.write("1", [("n", 2), ("m", 3)])
    assert thread.pending("1") == [("task", "n", 1), ("task", "m", 3)]
    thread.write("1", [(ERROR, "first"), (INTERRUPT, "a")])
    thread.write("1", [(ERROR, "second")])
    assert thread.pending("1") == [
        ("task", INTERRUPT, "a"),
        ("task", ERROR, "second"),
        ("task", "n", 1),
        ("task", "m", 3),
    ]


@in_memory
def test_a_task_that_runs_again_writes_nothing(place):
    """No commit, so no version."""
    store = place.store()
    thread = Thread(Checkpoints(store))
    thread.write("1", [("n", 1)])
    before = contents(store, "langgraph/t")
    thread.write("1", [("n", 1)])
    thread.write("1", [])
    assert contents(store, "langgraph/t") == before


def test_writes_at_once_are_all_kept(thread, place):
    """Of many tasks, and of one task in two processes."""
    other = Thread(Checkpoints(place.store()))
    thread.put("1")

    def write(number):
        one = (thread, other)[number % 2]
        one.write("1", [(ERROR if number % 3 else "n", number)], f"task {number // 4}")

    together([partial(write, number) for number in range(12)])
    found = [(task, channel) for task, channel, _ in thread.pending("1")]
    assert sorted(found) == sorted({(f"task {number // 4}", ERROR if number % 3 else "n") for number in range(12)})


@in_memory
def test_writes_are_in_the_order_in_which_tasks_apply(thread):
    """By path, by task, by index; also those that came before their checkpoint."""
    thread.write("1", [("c", 1), ("c", 2)], "x", "~2")
    thread.write("1", [("c", 3)], "y", "~1")
    thread.write("1", [("c", 4)], "z")
    thread.put("1")
    assert [value for *_, value in thread.pending("1")] == [4, 3, 1, 2]
    assert thread.get("2") is None


@in_memory
def test_a_checkpoint_of_the_same_id_replaces_the_one_before(thread, store):
    """With its run; what its tasks wrote stays."""
    thread.put("1", metadata={"run_id": "r"}, n=1)
    thread.write("1", [("n", 1)])
    thread.put("1", n=2)
    found = thread.get("1")
    assert (found.checkpoint["channel_values"], found.metadata) == ({"n": 2}, {})
    assert found.pending_writes == [("task", "n", 1)]
    thread.checkpoints.delete_for_runs(["r"])
    assert thread.get("1") is not None


@in_memory
def test_what_is_larger_than_a_document_is_refused(thread):
    """With its size, and nothing is written."""
    thread.put("1", n=1)
    noise = random.Random(1).randbytes(800_000)
    with pytest.raises(DocumentTooLargeError) as refused:
        thread.put("2", blob=noise)
    assert refused.value.size > refused.value.limit
    with pytest.raises(DocumentTooLargeError):
        thread.write("1", [("blob", noise)])
    found = thread.get()
    assert (found.checkpoint["id"], found.pending_writes) == ("1", [])
