"""Forks: no SQLite connection may be open while the process forks.

SQLite's locks belong to a process, and what it remembers of them is copied by a fork while the locks are not.
A child that opens the same file then believes that it holds locks which only its parent holds; once the parent has
gone, another process may delete the WAL under it, and with it what the child commits (sqlite.org/howtocorrupt.html,
2.6). So the connections are closed just before a fork, which waits a moment for what is running, and opened
again when they are needed. What could not be closed in time the child neither uses nor closes.
"""

import os
import weakref
from collections.abc import Callable
from contextlib import ExitStack
from typing import Protocol

from tai_state.backends.sqlite.session import Session

_WAIT_SECONDS_MAX = 2.0


class _Holder(Protocol):
    def hold_for_fork(self) -> Callable[[], None]: ...


_engines: weakref.WeakSet[_Holder] = weakref.WeakSet()
_releases: list[Callable[[], None]] = []
_inherited: list[Session] = []


def watch(engine: _Holder) -> None:
    """Have *engine* close its connections before this process forks."""
    _engines.add(engine)


def keep_for_ever(session: Session) -> None:
    """Keep an inherited session referred to: to free its connections would close them."""
    _inherited.append(session)


def hold(session: Session) -> Callable[[], None]:
    """Close what *session* has open and keep it closed; return what ends that."""
    stack = ExitStack()
    session.hold(stack, _WAIT_SECONDS_MAX)
    return stack.close


def _before_fork() -> None:
    _releases.extend([engine.hold_for_fork() for engine in list(_engines)])


def _after_fork_in_parent() -> None:
    while _releases:
        _releases.pop()()


def _after_fork_in_child() -> None:
    # The child makes sessions, and so locks, of its own.
    _releases.clear()


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
