"""Checkpoints of LangGraph in a store, each one state, and so are the writes of each task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tai_state import StateNotFoundError, VersionConflictError
from tai_state.adapters.checkpoints import (
    BEHIND,
    CHECKPOINT,
    PREFIX,
    RUN,
    WRITES,
    Kept,
    Place,
    check_strategy,
    checkpoint_data,
    checkpoint_key,
    checkpoint_state,
    config_of,
    is_wanted,
    key_of,
    merged_writes,
    namespace_key,
    place_of,
    run_label,
    thread_of,
    tuple_of,
    writes_data,
    writes_state,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Mapping, Sequence

    from langchain_core.runnables import RunnableConfig
    from langgraph.checkpoint.base import Checkpoint, CheckpointMetadata, CheckpointTuple
    from langgraph.checkpoint.serde.base import SerializerProtocol

    from tai_state import AsyncStateStore, StateSnapshot

_PAGE = 50
"""States that are read at a time; with a limit fewer."""

_ATTEMPTS = 100
"""How often the writes of a task are put together anew, where another process changes them meanwhile."""


class AsyncCheckpoints:
    """The checkpoints of all threads in a store."""

    def __init__(self, store: AsyncStateStore, prefix: str = PREFIX) -> None:
        """Keep them in *store*, under governors whose ids begin with *prefix*."""
        self.store = store
        self.prefix = prefix

    def _governor(self, thread: str) -> str:
        return self.prefix + thread

    # One checkpoint

    async def put(
        self, serde: SerializerProtocol, config: RunnableConfig, checkpoint: Checkpoint, metadata: CheckpointMetadata
    ) -> RunnableConfig:
        """Store a checkpoint, in one commit; the one of the same id is replaced."""
        place = place_of(config)
        data, labels = checkpoint_data(serde, config, checkpoint, metadata)
        namespace, checkpoint_id = data["namespace"], data["id"]
        state_id = checkpoint_state(Place(place.thread, namespace, checkpoint_id).key)
        governor = self._governor(place.thread)
        try:
            # Nearly all are new, and what is said to be new is written without a look.
            await self.store.save_state(governor, state_id, data, status=CHECKPOINT, labels=labels, expected_version=0)
        except VersionConflictError:
            # A run that the one before had, and this one has not, is taken away.
            await self.store.save_state(governor, state_id, data, status=CHECKPOINT, labels=labels or {RUN: None})
        return config_of(thread_of(config), namespace, checkpoint_id)

    async def put_writes(
        self,
        serde: SerializerProtocol,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str,
    ) -> None:
        """Store what a task wrote at a checkpoint, in one commit; what it wrote before stays as it was."""
        if not writes:
            return
        place = place_of(config)
        data = writes_data(serde, place, writes, task_id, task_path)
        governor, state_id = self._governor(place.thread), writes_state(place.key, task_id)
        version, merged = 0, data
        for attempt in range(_ATTEMPTS):
            try:
                await self.store.save_state(governor, state_id, merged, status=WRITES, expected_version=version)
            except VersionConflictError:
                if attempt == _ATTEMPTS - 1:
                    raise
            else:
                return
            found = await self.store.find_state(governor, state_id)
            version = 0 if found is None else found.version
            both = data if found is None else merged_writes(found.data, data)
            if both is None:
                return
            merged = both

    async def get(self, serde: SerializerProtocol, config: RunnableConfig) -> CheckpointTuple | None:
        """Return the checkpoint that a config names, or the latest of its namespace; None where there is none."""
        place = place_of(config)
        if place.checkpoint_id is not None:
            prefix, size = f"{place.key}-", _PAGE
        else:
            prefix, size = f"{namespace_key(place.namespace or '')}-", 1
        async for checkpoint, writes in self._groups(self._governor(place.thread), prefix, None, size):
            return tuple_of(serde, thread_of(config), checkpoint, writes)
        return None

    async def _groups(
        self, governor: str, prefix: str | None, after: str | None, size: int
    ) -> AsyncIterator[tuple[StateSnapshot, list[StateSnapshot]]]:
        """Iterate over checkpoints with what their tasks wrote, as the ids sort them; see ``_pages``."""
        writes: list[StateSnapshot] = []
        async for page in self._pages(governor, prefix, after, size):
            for state in page:
                if writes and key_of(writes[0].state_id) != key_of(state.state_id):
                    # Written at a checkpoint that is not there: not yet, or not any more.
                    writes = []
                if state.status == CHECKPOINT:
                    yield state, writes
                    writes = []
                else:
                    writes.append(state)

    async def _pages(
        self, governor: str, prefix: str | None, after: str | None, size: int
    ) -> AsyncIterator[list[StateSnapshot]]:
        """Iterate over the states that are there, by pages: the first of *size*, and larger ones behind it."""
        is_range = True
        while True:
            # With those that are deleted it is a range of ids, which is read the fastest. Behind one of them there may
            # be very many, as where a thread was pruned: from there on the engine sends none.
            listed = self.store.list_states(governor, prefix=prefix, after=after, limit=size, include_deleted=is_range)
            read = [one async for one in listed]
            live = [one for one in read if not one.deleted]
            yield live
            if len(read) < size:
                return
            is_range = is_range and len(live) == len(read)
            after, size = read[-1].state_id, min(4 * size, _PAGE)

    # Several checkpoints

    async def found(
        self,
        serde: SerializerProtocol,
        config: RunnableConfig | None,
        *,
        wanted: Mapping[str, Any] | None,
        before: RunnableConfig | None,
        limit: int | None,
    ) -> AsyncIterator[CheckpointTuple]:
        """Iterate over checkpoints: by thread and by namespace, the newest of each first."""
        given = 0
        if limit is not None and limit <= 0:
            return
        bound = None if before is None else before.get("configurable", {}).get("checkpoint_id")
        async for thread, place in self._asked(config):
            async for found in self._of_thread(serde, thread, place, bound, None if wanted else limit):
                if not is_wanted(found, wanted):
                    continue
                yield found
                given += 1
                if given == limit:
                    return

    async def _asked(self, config: RunnableConfig | None) -> AsyncIterator[tuple[object, Place]]:
        """Iterate over the threads that a config asks for, as it has them; without one over all."""
        if config is not None:
            yield thread_of(config), place_of(config)
            return
        async for governor in self.store.list_governors(after=self.prefix or None):
            if not governor.startswith(self.prefix):
                return
            thread = governor.removeprefix(self.prefix)
            yield thread, Place(thread, None, None)

    async def _of_thread(
        self, serde: SerializerProtocol, thread: object, place: Place, bound: str | None, limit: int | None
    ) -> AsyncIterator[CheckpointTuple]:
        governor = self._governor(place.thread)
        prefix, after = None, None
        if place.namespace is not None:
            within = namespace_key(place.namespace)
            prefix = f"{within}-" if place.checkpoint_id is None else f"{place.key}-"
            if place.checkpoint_id is None and bound is not None:
                after = f"{within}-{checkpoint_key(bound)}{BEHIND}"
        size = _PAGE if limit is None else min(limit, _PAGE)
        async for checkpoint, writes in self._groups(governor, prefix, after, size):
            if _is_asked(checkpoint, place, bound):
                yield tuple_of(serde, thread, checkpoint, writes)

    # Threads

    async def delete_thread(self, thread: str) -> None:
        """Erase all checkpoints and writes of a thread."""
        governor = self._governor(thread)
        async for _ in self.store.list_states(governor, limit=1, include_deleted=True):
            await self.store.erase_governor(governor, reason="the thread was deleted")

    async def delete_for_runs(self, run_ids: Collection[object]) -> None:
        """Erase the checkpoints that some runs made, with their writes."""
        for run_id in run_ids:
            found = self.store.find(labels={RUN: run_label(run_id)})
            asked = [(one.governor_id, one.state_id) async for one in found if one.governor_id.startswith(self.prefix)]
            for governor, state_id in asked:
                async for group in self._groups(governor, f"{key_of(state_id)}-", None, _PAGE):
                    await self._erase(governor, [_ids(group)], "the run was deleted")

    async def prune(self, serde: SerializerProtocol, threads: Collection[str], strategy: str) -> None:
        """Erase all checkpoints of some threads, or all but the latest of each namespace and what that is built from.

        Raises:
            InvalidDataError: There is no such strategy.
        """
        keeps_latest = check_strategy(strategy)
        for thread in threads:
            if not keeps_latest:
                await self.delete_thread(thread)
                continue
            governor, kept, dropped = self._governor(thread), Kept(serde), list[list[str]]()
            async for group in self._groups(governor, None, None, _PAGE):
                if not kept.takes(group[0]):
                    dropped.append(_ids(group))
            await self._erase(governor, dropped, "the thread was pruned")

    async def _erase(self, governor: str, groups: Sequence[Sequence[str]], reason: str) -> None:
        """Erase checkpoints with their writes: the writes first, so that no checkpoint is left that lacks some."""
        for ids in reversed(groups):
            for one in ids:
                try:
                    await self.store.erase_state(governor, one, reason=reason)
                except StateNotFoundError:
                    continue

    async def copy_thread(self, source: str, target: str) -> None:
        """Copy all checkpoints and writes of a thread, the oldest first; what is stopped may be done again."""
        governor, copy = self._governor(source), self._governor(target)
        groups = [_ids(group) async for group in self._groups(governor, None, None, _PAGE)]
        for ids in reversed(groups):
            for one in ids:
                found = await self.store.find_state(governor, one)
                if found is not None:
                    await self.store.save_state(copy, one, found.data, status=found.status, labels=dict(found.labels))


def _ids(group: tuple[StateSnapshot, Sequence[StateSnapshot]]) -> list[str]:
    """Return the ids of a checkpoint's states, its writes first."""
    checkpoint, writes = group
    return [*(one.state_id for one in writes), checkpoint.state_id]


def _is_asked(snapshot: StateSnapshot, place: Place, bound: str | None) -> bool:
    checkpoint_id = snapshot.data["id"]
    if place.checkpoint_id is not None and checkpoint_id != place.checkpoint_id:
        return False
    return bound is None or checkpoint_id < bound
