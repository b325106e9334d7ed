"""Numbers: a contiguous position for each event of a store, given out behind the commits, in batches."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from tai_state.documents import Document, DocumentPath, MustNotExist, Put, Value
from tai_state.errors import StoreError
from tai_state.layout import FORMAT, StateLayout, governor_of, state_layout, unescape
from tai_state.rules.feeds.discovery import Found
from tai_state.rules.feeds.positions import COMMIT, Kept, StatePosition, SubscriptionLayout, reading
from tai_state.rules.locking.owners import RESERVED
from tai_state.rules.records.fields import take

NUMBERS_MAX = 200
"""How many are given out in one commit."""

STATES_MAX = 100
"""Of how many states they are at most: Firestore takes 500 writes in a commit."""

_DIGITS = 19


class NumberLayout(SubscriptionLayout):
    """The documents of the numbers: those of a subscription, one for each number, and the last number."""

    __slots__ = ("last", "numbers")

    def __init__(self) -> None:
        """Name them."""
        super().__init__(f"{RESERVED}positions")
        self.numbers = f"{self.own}/numbers"
        self.last = DocumentPath(f"{self.own}/counters", "last")

    def number(self, number: int) -> DocumentPath:
        """Return the path of what has a number."""
        return DocumentPath(self.numbers, number_id(number))


def number_id(number: int) -> str:
    """Return the id of what has a number: ids ascend as numbers do."""
    return f"{number:0{_DIGITS}d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LastNumber(Kept):
    """The last number that was given out."""

    number: int = 0

    def fields(self) -> dict[str, Value]:
        """Return its fields."""
        return {"number": self.number}


class Entry(NamedTuple):
    """Which event has a number: a version of a state, named by its key."""

    number: int
    key: str
    version: int

    @property
    def paths(self) -> StateLayout:
        """The documents of the state."""
        governor, _, state = self.key.partition("/")
        return state_layout(governor_of(governor), unescape(state))

    def put(self, layout: NumberLayout, commit: str) -> Put:
        """Return what writes it, once."""
        fields: dict[str, Value] = {"format": FORMAT, "state": self.key, "version": self.version, COMMIT: commit}
        return Put(layout.number(self.number), fields, MustNotExist())


class Batch(NamedTuple):
    """What one commit gives out: numbers, and how far each of their states is numbered behind it."""

    entries: list[Entry]
    positions: list[StatePosition]
    last: LastNumber


def batch(found: Iterable[Found], known: Mapping[str, StatePosition], last: LastNumber) -> Batch:
    """Give the next numbers to the versions of states that have none, those of one state in their order.

    Args:
        found: States, and their heads' versions.
        known: How far each is numbered; a state that is missing is not at all.
    """
    entries: list[Entry] = []
    positions: list[StatePosition] = []
    number = last.number
    for one in found:
        room = NUMBERS_MAX - len(entries)
        if room == 0 or len(positions) == STATES_MAX:
            break
        position = known.get(one.key) or StatePosition(epoch=last.epoch, key=one.key, version=0)
        end = min(one.version, position.version + room)
        if end <= position.version:
            continue
        for version in range(position.version + 1, end + 1):
            number += 1
            entries.append(Entry(number, one.key, version))
        positions.append(position.passed(end))
    return Batch(entries, positions, replace(last, number=number))


def read_last(document: Document | None, epoch: int) -> LastNumber:
    """Return the last number that was given out; raises as ``read_subscribed``."""
    if document is None:
        return LastNumber(epoch=epoch)
    return reading(
        document,
        lambda fields, stored, moment: LastNumber(epoch=stored, update_time=moment, number=take(fields, "number", int)),
    )


def read_entry(document: Document) -> Entry:
    """Return which event has a number; raises as ``read_subscribed``."""
    if not document.path.id.isdecimal():
        message = f"document {document.path} is none of a store's positions: its id is no number"
        raise StoreError(message)
    number = int(document.path.id)
    return reading(
        document,
        lambda fields, *_: Entry(number, take(fields, "state", str), take(fields, "version", int)),
        has_epoch=False,
    )
