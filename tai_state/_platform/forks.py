"""Forks: a child has the memory of its parent and none of its threads, so what was "mine" there is another's here.

A lock of a thread that was inside it at that moment would never be freed in the child, and whatever the parent's
calls had under way (turns, counts, locks that they held) is still the parent's. Such objects begin anew there.

Neither would a module that a thread was importing ever be whole in the child: it waits for that thread for ever. Since
modules are imported here when they are first used, within calls, a fork lets the imports of other threads end first.
"""

import os
import threading
import weakref
from importlib import _bootstrap
from typing import Protocol

from tai_state.clock import Deadline, SystemClock

_IMPORT_SECONDS_MAX = 10.0
"""What an import takes at most on a slow machine; one that waits for the fork itself does not stop it for ever."""


class OfOneProcess(Protocol):
    """What holds something that belongs to one process."""

    def begin_anew(self) -> None:
        """Hold nothing, with locks of its own: this is a fork's child."""
        ...


_objects: weakref.WeakSet[OfOneProcess] = weakref.WeakSet()


def anew_in_children(one: OfOneProcess) -> None:
    """Have *one* begin anew in every child that forks from now on, for as long as it lives."""
    _objects.add(one)


def _begin_all_anew() -> None:
    for one in list(_objects):
        one.begin_anew()


def _let_imports_end() -> None:
    nobody = threading.Event()
    deadline = Deadline(SystemClock(), _IMPORT_SECONDS_MAX)
    while _is_imported_by_others() and not deadline.passed:
        nobody.wait(0.001)


def _is_imported_by_others() -> bool:
    """Whether another thread is importing a module, as Python's own import system knows it."""
    # Nothing public tells. Where a later Python keeps no such table, nothing is waited for.
    locks = list(getattr(_bootstrap, "_module_locks", {}).values())
    owners = {getattr(lock(), "owner", None) for lock in locks}
    return bool(owners - {None, threading.get_ident()})


os.register_at_fork(before=_let_imports_end, after_in_child=_begin_all_anew)
