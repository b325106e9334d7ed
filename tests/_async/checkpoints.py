"""Threads of LangGraph, for tests of their checkpoints."""

from langgraph.checkpoint.base import empty_checkpoint
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

SERDE = JsonPlusSerializer()


def config(thread="t", checkpoint_id=None, namespace=""):
    found = {"thread_id": thread, "checkpoint_ns": namespace}
    return {"configurable": found if checkpoint_id is None else {**found, "checkpoint_id": checkpoint_id}}


def checkpoint(checkpoint_id, **values):
    return {**empty_checkpoint(), "id": checkpoint_id, "channel_values": values}


class AsyncThread:
    """A thread, or one namespace of it."""

    def __init__(self, checkpoints, thread="t", namespace=""):
        self.checkpoints, self.thread, self.namespace = checkpoints, thread, namespace

    async def put(self, checkpoint_id, parent=None, metadata=None, **values):
        where = config(self.thread, parent, self.namespace)
        return await self.checkpoints.put(SERDE, where, checkpoint(checkpoint_id, **values), metadata or {})

    async def write(self, checkpoint_id, writes, task="task", path=""):
        where = config(self.thread, checkpoint_id, self.namespace)
        await self.checkpoints.put_writes(SERDE, where, writes, task, path)

    async def get(self, checkpoint_id=None):
        return await self.checkpoints.get(SERDE, config(self.thread, checkpoint_id, self.namespace))

    async def pending(self, checkpoint_id):
        return (await self.get(checkpoint_id)).pending_writes

    async def ids(self, **asked):
        asked = {"wanted": None, "before": None, "limit": None, **asked}
        where = config(self.thread, None, self.namespace)
        return [one.checkpoint["id"] async for one in self.checkpoints.found(SERDE, where, **asked)]
