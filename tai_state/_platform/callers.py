"""Who calls: numbers that tell the tasks and threads of this process apart."""

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
else:
    from tai_state._platform import late_asyncio as asyncio


def async_caller() -> int:
    """Return a number that tells the running task from all others alive."""
    return id(asyncio.current_task())


caller = threading.get_ident
"""The sync twin of async_caller: a number that tells the calling thread from all others alive."""
