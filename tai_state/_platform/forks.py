"""Forks: a child has the memory of its parent and none of its threads, so what was "mine" there is another's here.

A lock of a thread that was inside it at that moment would never be freed in the child, and whatever the parent's
calls had under way (turns, counts, locks that they held) is still the parent's. Such objects begin anew there.
"""

import os
import weakref
from typing import Protocol


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


os.register_at_fork(after_in_child=_begin_all_anew)
