"""Who owns locks: names and ids that tell tasks, threads and processes apart."""

import hashlib
import itertools
import os
import socket
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from tai_state.rules.locking.owners import Owner, check_users, process_name

if TYPE_CHECKING:
    import asyncio
else:
    from tai_state._platform import late_asyncio as asyncio


# Neither a thread's number nor a task's address is unique over time, and on Cloud Run every instance has the same
# host name and process id: so numbers that are never given twice, and a random part for each process.
_numbers = itertools.count(1)
_task_numbers: "weakref.WeakKeyDictionary[asyncio.Task[Any], int]" = weakref.WeakKeyDictionary()
_thread_numbers = threading.local()
_process_tokens: list[str] = []
os.register_at_fork(after_in_child=_process_tokens.clear)


_owner_context: ContextVar[tuple[str, int] | None] = ContextVar("tai_state_lock_owner", default=None)


@contextmanager
def lock_owner(name: str) -> Iterator[None]:
    """Own the locks of the block together: who acquires inside is one owner, called *name*.

    A contextvar, so the tasks that the block starts are the same owner, too (``asyncio.wait_for`` and ``gather`` start
    some): one that asks for a lock which the block holds already is told so by a DeadlockError instead of waiting for
    itself, and whoever waits for the block's locks is seen in every cycle. A thread that it starts is not, unless it is
    run in a copy of the context. Each block is an owner of its own, whatever others are called.

    Args:
        name: What people read in ``inspect``, ``list`` and errors, where a call says no other ``owner=``.

    Raises:
        InvalidIdError: On entering: *name* is no id, or begins with ``tai_state:``.
    """
    token = _owner_context.set((check_users(name, "owner"), next(_numbers)))
    try:
        yield
    finally:
        _owner_context.reset(token)


def async_current_owner(label: str | None = None) -> Owner:
    """Return the owner that the running task is: that of its ``lock_owner`` block, else one of its own.

    Args:
        label: What to call it: each name that a task uses makes an owner of its own. None: the block's name, or one
            that says which task of which process it is.
    """
    task = asyncio.current_task()
    assert task is not None
    number = _task_numbers.get(task)
    if number is None:
        number = _task_numbers[task] = next(_numbers)
    return _owner(label, f"task-{number}")


def current_owner(label: str | None = None) -> Owner:
    """Return the owner that the calling thread is; otherwise as async_current_owner."""
    if not hasattr(_thread_numbers, "number"):
        _thread_numbers.number = next(_numbers)
    return _owner(label, f"thread-{_thread_numbers.number}")


def _owner(label: str | None, runner: str) -> Owner:
    block = _owner_context.get()
    unique = f"{_process_name()}/{runner if block is None else f'owner-{block[1]}'}"
    if label is not None:
        # Names may be as long as an id may be, so an id is made of what is left of them.
        return Owner(label, f"{unique}/{hashlib.sha256(label.encode()).hexdigest()[:16]}")
    return Owner(unique if block is None else block[0], unique)


def _process_name() -> str:
    if not _process_tokens:
        _process_tokens.append(os.urandom(8).hex())
    # The first of the list: two threads may both have found it empty.
    return process_name(socket.gethostname(), os.getpid(), _process_tokens[0])
