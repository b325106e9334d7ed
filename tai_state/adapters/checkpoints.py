"""What a checkpoint of LangGraph is in a store: its ids, its data, and how the writes of its tasks are put together.

A thread is a governor. A checkpoint is a state of it, and so are the writes of one task at one checkpoint; they are
found by ids that sort the newest checkpoint first, and before each the writes at it:

    {namespace}-{checkpoint}-by-{task}      what a task wrote
    {namespace}-{checkpoint}-checkpoint     the checkpoint, with its metadata and the id of its parent

So whoever reads them in order has all that was written when the checkpoint comes, and the first state of a namespace
is its latest checkpoint where nothing was written at it.

The ids are made of digests and hexadecimal digits, so that namespaces, checkpoints and tasks may be any text.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    CheckpointTuple,
    get_checkpoint_id,
    get_checkpoint_metadata,
    writes_sort_key,
)

from tai_state import InvalidDataError, InvalidIdError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from langchain_core.runnables import RunnableConfig
    from langgraph.checkpoint.base import Checkpoint, CheckpointMetadata
    from langgraph.checkpoint.serde.base import SerializerProtocol

    from tai_state import StateSnapshot

PREFIX = "langgraph/"
"""What the governors of threads begin with, where nobody says otherwise."""

RUN = "langgraph_run"
"""The label of a checkpoint that names the run which made it."""

CHECKPOINT, WRITES = "checkpoint", "writes"
"""The statuses of the two kinds of states."""

BEHIND = "-d"
"""Behind the ids of all states of a checkpoint."""

_DIGEST_CHARACTERS = 32
_LABEL_BYTES_MAX = 480
_COMPLEMENT = bytes(255 - byte for byte in range(256))
_ROOT = "root"


class Place(NamedTuple):
    """Which checkpoint a config names, or of which thread or namespace.

    Attributes:
        thread: The id of the thread.
        namespace: None where the config names none.
        checkpoint_id: None where the config names none.
    """

    thread: str
    namespace: str | None
    checkpoint_id: str | None

    @property
    def key(self) -> str:
        """Within the thread, what the ids of the checkpoint's states share.

        Raises:
            InvalidIdError: No checkpoint is named, or it is no valid Unicode text.
        """
        if self.checkpoint_id is None:
            message = "the config names no checkpoint: configurable.checkpoint_id is missing"
            raise InvalidIdError(message, value=None)
        return f"{namespace_key(self.namespace or '')}-{checkpoint_key(self.checkpoint_id)}"


def place_of(config: RunnableConfig) -> Place:
    """Return what *config* names.

    Raises:
        InvalidIdError: It names no thread.
    """
    configurable: Mapping[str, Any] = config.get("configurable") or {}
    thread = thread_of(config)
    if thread is None or thread == "":
        message = "the config names no thread: configurable.thread_id is missing"
        raise InvalidIdError(message, value=thread)
    namespace, checkpoint_id = configurable.get("checkpoint_ns"), get_checkpoint_id(config)
    return Place(
        str(thread),
        None if namespace is None else str(namespace),
        None if checkpoint_id is None or checkpoint_id == "" else str(checkpoint_id),
    )


def thread_of(config: RunnableConfig) -> object:
    """Return the id of a thread as *config* has it: a number, perhaps."""
    return (config.get("configurable") or {}).get("thread_id")


def config_of(thread: object, namespace: str, checkpoint_id: str) -> RunnableConfig:
    """Return the config that names a checkpoint."""
    return {"configurable": {"thread_id": thread, "checkpoint_ns": namespace, "checkpoint_id": checkpoint_id}}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_CHARACTERS]


def namespace_key(namespace: str) -> str:
    """Return what stands for a namespace in ids; it may be long, and hold anything."""
    return _digest(namespace) if namespace else _ROOT


def checkpoint_key(checkpoint_id: str) -> str:
    """Return what stands for a checkpoint in ids: of two checkpoints that of the greater id, the newer, comes first.

    Raises:
        InvalidIdError: It is no valid Unicode text.
    """
    try:
        raw = checkpoint_id.encode()
    except UnicodeEncodeError as error:
        message = f"checkpoint_id {checkpoint_id!r} is not valid Unicode text"
        raise InvalidIdError(message, value=checkpoint_id) from error
    # Behind all digits, so that an id which begins with another one, and is greater, comes before it.
    return raw.translate(_COMPLEMENT).hex() + "z"


def checkpoint_state(key: str) -> str:
    """Return the id of the state of a checkpoint."""
    return f"{key}-checkpoint"


def writes_state(key: str, task_id: str) -> str:
    """Return the id of the state of what a task wrote at a checkpoint."""
    return f"{key}-by-{_digest(task_id)}"


def key_of(state_id: str) -> str:
    """Return the key of the checkpoint that a state is, or is of."""
    return "-".join(state_id.split("-")[:2])


def run_label(run_id: object) -> str:
    """Return the value of the label of a run."""
    text = str(run_id)
    return text if 0 < len(text.encode("utf-8", "surrogatepass")) <= _LABEL_BYTES_MAX else _digest(text)


# The data


def _packed(serde: SerializerProtocol, value: object) -> list[str]:
    kind, encoded = serde.dumps_typed(value)
    return [kind, base64.b64encode(encoded).decode()]


def _unpacked(serde: SerializerProtocol, packed: Sequence[str]) -> Any:
    kind, encoded = packed
    return serde.loads_typed((kind, base64.b64decode(encoded)))


def checkpoint_data(
    serde: SerializerProtocol, config: RunnableConfig, checkpoint: Checkpoint, metadata: CheckpointMetadata
) -> tuple[dict[str, Any], dict[str, str | None] | None]:
    """Return the data of the state of a checkpoint, and its labels."""
    place, told = place_of(config), cast("dict[str, Any]", get_checkpoint_metadata(config, metadata))
    data = {
        "namespace": place.namespace or "",
        "id": checkpoint["id"],
        "parent": place.checkpoint_id,
        "checkpoint": _packed(serde, checkpoint),
        "metadata": _packed(serde, told),
    }
    run_id = told.get("run_id")
    return data, None if run_id is None else {RUN: run_label(run_id)}


def tuple_of(
    serde: SerializerProtocol, thread: object, snapshot: StateSnapshot, writes: Iterable[StateSnapshot]
) -> CheckpointTuple:
    """Return a checkpoint as LangGraph has it, with what its tasks wrote."""
    data = snapshot.data
    namespace, parent = data["namespace"], data["parent"]
    return CheckpointTuple(
        config=config_of(thread, namespace, data["id"]),
        checkpoint=_unpacked(serde, data["checkpoint"]),
        metadata=_unpacked(serde, data["metadata"]),
        parent_config=config_of(thread, namespace, parent) if parent else None,
        pending_writes=_pending(serde, writes),
    )


def _pending(serde: SerializerProtocol, states: Iterable[StateSnapshot]) -> list[tuple[str, str, Any]]:
    rows = [
        (writes_sort_key(path, state.data["task"], int(index)), state.data["task"], channel, (kind, encoded))
        for state in states
        for index, (channel, kind, encoded, path) in state.data["writes"].items()
    ]
    rows.sort(key=lambda row: row[0])
    return [(task, channel, _unpacked(serde, packed)) for _, task, channel, packed in rows]


def is_wanted(found: CheckpointTuple, wanted: Mapping[str, Any] | None) -> bool:
    """Whether the metadata of a checkpoint has all that is *wanted* of it."""
    told = cast("dict[str, Any]", found.metadata)
    return not wanted or all(name in told and told[name] == value for name, value in wanted.items())


def writes_data(
    serde: SerializerProtocol, place: Place, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str
) -> dict[str, Any]:
    """Return the data of the state of what a task wrote: each write by its index, as LangGraph numbers them."""
    return {
        "namespace": place.namespace or "",
        "id": place.checkpoint_id,
        "task": task_id,
        "writes": {
            str(WRITES_IDX_MAP.get(channel, index)): [channel, *_packed(serde, value), task_path]
            for index, (channel, value) in enumerate(writes)
        },
    }


def merged_writes(stored: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what a task wrote before with what it writes now; None where that brings nothing new.

    What was written under an index stays: a task that runs again changes nothing. What LangGraph numbers below zero (an
    error, an interrupt, what resumes it) is replaced.
    """
    before, now = stored["writes"], given["writes"]
    merged = before | {index: write for index, write in now.items() if index.startswith("-") or index not in before}
    return None if merged == before else {**stored, "writes": merged}


# What is pruned


def check_strategy(strategy: str) -> bool:
    """Return whether a strategy of ``prune`` keeps the latest checkpoints.

    Raises:
        InvalidDataError: It is none.
    """
    if strategy not in ("keep_latest", "delete"):
        message = f"must be 'keep_latest' or 'delete', not {strategy!r}"
        raise InvalidDataError(message, path="strategy")
    return strategy == "keep_latest"


class Kept:
    """Which checkpoints of a thread are kept, of those that come newest first: the latest of each namespace.

    And those before it from which a ``DeltaChannel`` of it is built: their writes, back to where its value stands.
    """

    def __init__(self, serde: SerializerProtocol) -> None:
        """Know nothing yet."""
        self._serde = serde
        # Of each namespace: which checkpoint is needed next, and for which channels.
        self._needed: dict[str, tuple[str | None, set[str]]] = {}

    def takes(self, snapshot: StateSnapshot) -> bool:
        """Whether a checkpoint is kept."""
        data = snapshot.data
        namespace = data["namespace"]
        if namespace in self._needed:
            next_id, channels = self._needed[namespace]
            if not channels or next_id != data["id"]:
                return False
        else:
            metadata = _unpacked(self._serde, data["metadata"])
            channels = set[str](metadata.get("counters_since_delta_snapshot") or ())
        if channels:
            channels -= set(_unpacked(self._serde, data["checkpoint"])["channel_values"])
        self._needed[namespace] = (data["parent"], channels)
        return True
