"""LangGraph's own suite for checkpointers, on each backend and in both colours, and a graph that runs on it."""

import base64
import sys
from collections import Counter
from operator import add
from typing import Annotated, Any, TypedDict

import pytest
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.checkpoint.conformance import checkpointer_test, validate
from langgraph.checkpoint.conformance.report import ProgressCallbacks
from langgraph.checkpoint.serde.base import CipherProtocol
from langgraph.checkpoint.serde.encrypted import EncryptedSerializer
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt

from tai_state import (
    AsyncFirestoreStore,
    AsyncMemoryStore,
    AsyncSqliteStore,
    ConfigurationError,
    FirestoreStore,
    MemoryStore,
    SqliteStore,
)
from tai_state.adapters.langgraph import AsyncTaiStateSaver, TaiStateSaver

TESTS = {
    "put": 17,
    "put_writes": 10,
    "get_tuple": 10,
    "list": 16,
    "delete_thread": 5,
    "delete_for_runs": 7,
    "copy_thread": 8,
    "prune": 8,
}
SAVERS = {"sync": TaiStateSaver, "async": AsyncTaiStateSaver}
STORES = {
    ("memory", "sync"): MemoryStore,
    ("memory", "async"): AsyncMemoryStore,
    ("sqlite", "sync"): SqliteStore,
    ("sqlite", "async"): AsyncSqliteStore,
    ("firestore", "sync"): FirestoreStore,
    ("firestore", "async"): AsyncFirestoreStore,
}


@pytest.fixture(
    params=[
        "memory",
        pytest.param("sqlite", marks=pytest.mark.more),
        pytest.param("firestore", marks=[pytest.mark.emulator, pytest.mark.more]),
    ]
)
def opened(request, tmp_path):
    """What opens a store in an empty place, once for each part of the suite."""
    project = request.getfixturevalue("tai_state_project") if request.param == "firestore" else None

    def store(colour):
        made = STORES[request.param, colour]
        return made(*{"memory": [], "sqlite": [tmp_path / "store.db"], "firestore": [project]}[request.param])

    return store


@pytest.mark.parametrize("colour", SAVERS)
async def test_langgraphs_own_suite_passes_whole(opened, colour, capsys):
    """Each of its tests, of all that a checkpointer may do."""
    failed: dict[str, str] = {}
    ran: Counter[str] = Counter()

    @checkpointer_test(name="tai_state")
    async def saver():
        store = opened(colour)
        yield SAVERS[colour](store)
        closed = store.close()
        if closed is not None:
            await closed

    def note(capability, name, passed, error):
        ran[capability] += 1
        if not passed:
            failed[f"{capability}.{name}"] = error

    report = await validate(saver, progress=ProgressCallbacks(on_test_result=note))
    assert failed == {}
    assert report.conformance_level() == "FULL"
    assert ran == TESTS
    with capsys.disabled():
        sys.stdout.write(f" langgraph-checkpoint-conformance, {colour}: {ran.total()} of {ran.total()} passed\n")


class Said(TypedDict):
    """What a graph keeps."""

    said: Annotated[list[str], add]


def graph_on(saver):
    def ask(state):
        return {"said": [interrupt("who?")]}

    graph = (
        StateGraph(Said).add_node("ask", ask).add_node("greet", lambda state: {"said": [f"hello, {state['said'][-1]}"]})
    )
    return graph.add_edge(START, "ask").add_edge("ask", "greet").compile(checkpointer=saver)


def test_a_graph_that_was_interrupted_goes_on_in_another_process(tmp_path):
    """From what the first one stored; its history is there, and a fork of it."""
    thread: Any = {"configurable": {"thread_id": "t"}}
    with SqliteStore(tmp_path / "store.db") as store:
        asked = graph_on(TaiStateSaver(store)).invoke({"said": ["begin"]}, thread)
        assert [one.value for one in asked["__interrupt__"]] == ["who?"]
    with SqliteStore(tmp_path / "store.db") as store:
        graph = graph_on(TaiStateSaver(store))
        assert graph.invoke(Command(resume="Ada"), thread) == {"said": ["begin", "Ada", "hello, Ada"]}
        history = [*graph.get_state_history(thread)]
        assert [one.values.get("said", []) for one in history] == [
            ["begin", "Ada", "hello, Ada"],
            ["begin", "Ada"],
            ["begin"],
            [],
        ]
        forked = graph.update_state(history[1].config, {"said": ["Bob"]})
        assert graph.invoke(None, forked) == {"said": ["begin", "Ada", "Bob", "hello, Bob"]}


async def test_a_graph_runs_on_an_async_store():
    """With its steps stored, in order."""
    async with AsyncMemoryStore() as store:
        graph = graph_on(AsyncTaiStateSaver(store))
        thread: Any = {"configurable": {"thread_id": "t"}}
        await graph.ainvoke({"said": ["begin"]}, thread)
        assert await graph.ainvoke(Command(resume="Ada"), thread) == {"said": ["begin", "Ada", "hello, Ada"]}
        assert [one.metadata["step"] async for one in graph.aget_state_history(thread)] == [2, 1, 0, -1]


def test_a_saver_of_the_other_colour_is_refused():
    """When it is made, with both colours named."""
    with pytest.raises(ConfigurationError, match="TaiStateSaver"):
        TaiStateSaver(AsyncMemoryStore())  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="AsyncTaiStateSaver"):
        AsyncTaiStateSaver(MemoryStore())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("current", "following"), [(None, 1), (3, 4), ("0003.017", f"{4:032}"), (f"{9:032}", f"{10:032}")]
)
def test_versions_rise_as_they_began(current, following):
    """Numbers; texts where another saver began with those."""
    assert TaiStateSaver(MemoryStore()).get_next_version(current, None) == following


def test_values_are_encrypted_by_the_serializer_that_is_given():
    """What is stored holds none of them, and they come back."""
    store = MemoryStore()
    saver = TaiStateSaver(store, serde=EncryptedSerializer(Rot()))
    config: Any = {"configurable": {"thread_id": "t", "checkpoint_ns": ""}}
    saver.put(config, {**empty_checkpoint(), "channel_values": {"n": "secret"}}, {}, {})
    found = saver.get_tuple(config)
    assert found is not None
    assert found.checkpoint["channel_values"] == {"n": "secret"}
    (state,) = store.list_states("langgraph/t")
    assert b"secret" not in base64.b64decode(state.data["checkpoint"][1])


class Rot(CipherProtocol):
    """No cipher to trust."""

    def encrypt(self, plaintext):
        return "rot", bytes(255 - byte for byte in plaintext)

    def decrypt(self, ciphername, ciphertext):
        return bytes(255 - byte for byte in ciphertext)
