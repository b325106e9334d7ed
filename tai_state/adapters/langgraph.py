"""LangGraph: what a graph has reached, in a store.

``TaiStateSaver(store)`` and ``AsyncTaiStateSaver(store)`` are checkpointers: each checkpoint is one commit, and so is
all that a task writes. What is stored, and what is deleted how, says docs/adapters.md.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from langgraph.checkpoint.base import BaseCheckpointSaver

from tai_state import AsyncStateStore, StateStore
from tai_state.adapters._async.checkpoints import AsyncCheckpoints
from tai_state.adapters._sync.checkpoints import Checkpoints
from tai_state.adapters.checkpoints import PREFIX
from tai_state.config import check_colour

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from langchain_core.runnables import RunnableConfig
    from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata, CheckpointTuple
    from langgraph.checkpoint.serde.base import SerializerProtocol

__all__ = ["AsyncTaiStateSaver", "TaiStateSaver"]

_VERSION_DIGITS = 32


class _Saver(BaseCheckpointSaver[Any]):
    def get_next_version(self, current: Any, channel: None) -> Any:
        """Return the version behind *current*: an int, or a text where another saver began with texts."""
        if isinstance(current, str):
            return f"{int(current.split('.')[0]) + 1:0{_VERSION_DIGITS}}"
        return super().get_next_version(current, channel)


class TaiStateSaver(_Saver):
    """Keeps checkpoints in a store; its async methods wait in a thread."""

    def __init__(self, store: StateStore, *, serde: SerializerProtocol | None = None, prefix: str = PREFIX) -> None:
        """Keep checkpoints in *store*.

        Args:
            serde: How values become bytes; LangGraph's own if not given. ``EncryptedSerializer`` encrypts them.
            prefix: What the ids of the threads' governors begin with.

        Raises:
            ConfigurationError: *store* is none, or async.
        """
        check_colour(store, StateStore, self)
        super().__init__(serde=serde)
        self._checkpoints = Checkpoints(store, prefix)

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Return the checkpoint that *config* names, or the latest of its namespace, with what its tasks wrote.

        Raises:
            InvalidIdError: It names no thread, or one that cannot be an id.
        """
        return self._checkpoints.get(self.serde, config)

    def list(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002 - the library's name
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        """Iterate over checkpoints, the newest of each thread and namespace first.

        Args:
            config: Of which thread, and of which namespace, if it names one; None: of all threads.
            filter: What their metadata has to have; it is looked at here, behind the read.
            before: Only those whose ids are below this one's.
        """
        return self._checkpoints.found(self.serde, config, wanted=filter, before=before, limit=limit)

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,  # noqa: ARG002 - all channels stand in each checkpoint
    ) -> RunnableConfig:
        """Store a checkpoint, in one commit, and return the config that names it.

        Raises:
            DocumentTooLargeError: It has more than a document holds; nothing was written.
        """
        return self._checkpoints.put(self.serde, config, checkpoint, metadata)

    def put_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Store what a task wrote at a checkpoint, in one commit.

        What it wrote before, under the same index, stays; an error, an interrupt and what resumes it are replaced.
        """
        self._checkpoints.put_writes(self.serde, config, writes, task_id, task_path)

    def delete_thread(self, thread_id: str) -> None:
        """Erase all checkpoints and writes of a thread: ids, times and versions stay, and no value."""
        self._checkpoints.delete_thread(str(thread_id))

    def delete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Erase the checkpoints that some runs made, with their writes; others may be built from a delta of theirs."""
        self._checkpoints.delete_for_runs(run_ids)

    def copy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy all checkpoints and writes of a thread, the oldest first; what is stopped half way may be done again."""
        self._checkpoints.copy_thread(str(source_thread_id), str(target_thread_id))

    def prune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """Erase all checkpoints of some threads ("delete"), or all but the latest of each namespace.

        Those before it from which its delta channels are built are kept, too.

        Raises:
            InvalidDataError: There is no such strategy.
        """
        self._checkpoints.prune(self.serde, [*map(str, thread_ids)], strategy)

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Do what ``get_tuple`` does."""
        return await asyncio.to_thread(self.get_tuple, config)

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002 - the library's name
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """Do what ``list`` does; all are read before the first is given."""

        def read() -> Sequence[CheckpointTuple]:
            return [*self.list(config, filter=filter, before=before, limit=limit)]

        for found in await asyncio.to_thread(read):
            yield found

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Do what ``put`` does."""
        return await asyncio.to_thread(self.put, config, checkpoint, metadata, new_versions)

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Do what ``put_writes`` does."""
        await asyncio.to_thread(self.put_writes, config, writes, task_id, task_path)

    async def adelete_thread(self, thread_id: str) -> None:
        """Do what ``delete_thread`` does."""
        await asyncio.to_thread(self.delete_thread, thread_id)

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Do what ``delete_for_runs`` does."""
        await asyncio.to_thread(self.delete_for_runs, run_ids)

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Do what ``copy_thread`` does."""
        await asyncio.to_thread(self.copy_thread, source_thread_id, target_thread_id)

    async def aprune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """Do what ``prune`` does."""
        await asyncio.to_thread(self.prune, thread_ids, strategy=strategy)


class AsyncTaiStateSaver(_Saver):
    """Keeps checkpoints in an async store; the methods without ``a`` are those of ``TaiStateSaver`` alone."""

    def __init__(
        self, store: AsyncStateStore, *, serde: SerializerProtocol | None = None, prefix: str = PREFIX
    ) -> None:
        """Keep checkpoints in *store*; see ``TaiStateSaver``."""
        check_colour(store, AsyncStateStore, self)
        super().__init__(serde=serde)
        self._checkpoints = AsyncCheckpoints(store, prefix)

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Return a checkpoint; see ``TaiStateSaver.get_tuple``."""
        return await self._checkpoints.get(self.serde, config)

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002 - the library's name
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """Iterate over checkpoints; see ``TaiStateSaver.list``."""
        async for found in self._checkpoints.found(self.serde, config, wanted=filter, before=before, limit=limit):
            yield found

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,  # noqa: ARG002 - all channels stand in each checkpoint
    ) -> RunnableConfig:
        """Store a checkpoint; see ``TaiStateSaver.put``."""
        return await self._checkpoints.put(self.serde, config, checkpoint, metadata)

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Store what a task wrote; see ``TaiStateSaver.put_writes``."""
        await self._checkpoints.put_writes(self.serde, config, writes, task_id, task_path)

    async def adelete_thread(self, thread_id: str) -> None:
        """Erase a thread; see ``TaiStateSaver.delete_thread``."""
        await self._checkpoints.delete_thread(str(thread_id))

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Erase what some runs made; see ``TaiStateSaver.delete_for_runs``."""
        await self._checkpoints.delete_for_runs(run_ids)

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy a thread; see ``TaiStateSaver.copy_thread``."""
        await self._checkpoints.copy_thread(str(source_thread_id), str(target_thread_id))

    async def aprune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """Erase checkpoints; see ``TaiStateSaver.prune``."""
        await self._checkpoints.prune(self.serde, [*map(str, thread_ids)], strategy)
