"""Where a state that is due is looked for."""

import hashlib

from tai_state.layout import StateLayout

DUE_KEY = "due_key"
"""The field of a state's document that says where it is looked for."""


def due_key(store_id: str, name: str, paths: StateLayout, shards: int) -> str:
    """Return the key under which the workers of *name*, a machine or a queue, find a state when it is due.

    Args:
        shards: Among how many keys they look.
    """
    if shards == 1:
        return shard_key(store_id, name, 0)
    digest = hashlib.sha256(str(paths.state).encode()).digest()
    return shard_key(store_id, name, int.from_bytes(digest[:8]) % shards)


def key_again(store_id: str, name: str) -> str:
    """Return the key of a state that is written again, by one who does not know among how many its workers look.

    They look for the first one whatever their number.
    """
    return shard_key(store_id, name, 0)


def shard_key(store_id: str, name: str, shard: int) -> str:
    """Return one of the keys of *name*; ids of stores and numbers hold no colon, so that no two names share one."""
    return f"{store_id}:{name}:{shard}"
