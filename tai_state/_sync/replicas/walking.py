# Generated from tai_state/_async/replicas/walking.py by .ci/generate_sync.py; do not edit.
"""Walks over what a store has of a state, its line and its branches, from the newest event back."""
from heapq import heappop, heappush
from itertools import count

from tai_state._sync.replicas.side import Side
from tai_state.causality import VectorClock
from tai_state.rules.records.branches import Held, Ref
from tai_state.rules.records.record import EventRecord
from tai_state.rules.replicas.standing import knows


class WalkBack:
    """Goes back over events, those that know more first."""

    def __init__(self, side: Side) -> None:
        """Read through *side*."""
        self._side = side
        self._next: list[tuple[int, int, Held]] = []
        self._numbers = count()
        self._seen: set[str] = set()
        self.is_cut = False
        """Whether it came to where something is missing, or was trimmed."""

    def begin(self, refs: list[Ref]) -> None:
        """Take where to go on from."""
        for ref in refs:
            if ref.hash in self._seen:
                continue
            held = self._side.find(ref)
            if held is None:
                self.is_cut = True
                continue
            self._seen.add(ref.hash)
            # What an event knows, it follows: whoever knows more comes first.
            heappush(self._next, (-sum(held.event.causality.values()), next(self._numbers), held))

    def take(self) -> Held | None:
        """Return the next event; None behind the last."""
        if not self._next:
            return None
        held = heappop(self._next)[-1]
        self.is_cut = self.is_cut or held.is_first
        return held

    def behind(self, held: Held) -> None:
        """Go on behind an event, too."""
        self.begin(held.parents)


def unseen_writes(side: Side, heads: list[Ref]) -> list[EventRecord]:
    """Return the writes that the *heads* know, and that no other write which they know has seen: merges are none.

    A merge of which not all is there any more stands for the writes that it merged.
    """
    walk = WalkBack(side)
    walk.begin(heads)
    found: list[EventRecord] = []
    while (held := walk.take()) is not None:
        event = held.event
        if any(knows(one.causality, event.causality) for one in found):
            continue
        parents = held.parents
        is_merge = event.foreign_parent is not None and len(parents) > 1
        if is_merge and all([side.find(parent) is not None for parent in parents]):
            walk.behind(held)
        else:
            found.append(event)
    return found


def version_of(side: Side, heads: list[Ref], clock: VectorClock) -> tuple[EventRecord | None, bool]:
    """Return the event behind the *heads* that knows just what *clock* knows, and whether all was there to look at."""
    walk = WalkBack(side)
    walk.begin(heads)
    while (held := walk.take()) is not None:
        if held.event.causality == clock.root:
            return held.event, True
        if knows(held.event.causality, clock.root):
            walk.behind(held)
    return None, not walk.is_cut
