"""Who calls: numbers and names that tell tasks and threads apart."""

import asyncio
import itertools
import os
import socket
import threading
import weakref
from typing import Any


def async_caller() -> int:
    """Return a number that tells the running task from all others alive."""
    return id(asyncio.current_task())


caller = threading.get_ident
"""The sync twin of async_caller: a number that tells the calling thread from all others alive."""


# Neither a thread's number nor a task's address is unique over time, and on Cloud Run every instance has the same
# host name and process id: so numbers that are never given twice, and a random part for each process.
_numbers = itertools.count(1)
_task_numbers: weakref.WeakKeyDictionary[asyncio.Task[Any], int] = weakref.WeakKeyDictionary()
_thread_numbers = threading.local()
_process_tokens: list[str] = []
os.register_at_fork(after_in_child=_process_tokens.clear)


def async_current_owner() -> str:
    """Return a name that the running task has, and no other task of this process or another."""
    task = asyncio.current_task()
    assert task is not None
    number = _task_numbers.get(task)
    if number is None:
        number = _task_numbers[task] = next(_numbers)
    return f"{_process_name()}/task-{number}"


def current_owner() -> str:
    """Return a name that the calling thread has, and no other thread of this process or another."""
    if not hasattr(_thread_numbers, "number"):
        _thread_numbers.number = next(_numbers)
    return f"{_process_name()}/thread-{_thread_numbers.number}"


def _process_name() -> str:
    if not _process_tokens:
        _process_tokens.append(os.urandom(8).hex())
    # The first of the list: two threads may both have found it empty.
    return f"{socket.gethostname()}-{os.getpid()}-{_process_tokens[0]}"
