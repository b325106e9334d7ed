"""What a load asks of Firestore in a month: documents, bytes, billed operations and money."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tai_state.config import Maintenance
from tai_state.errors import ConfigurationError
from tai_state.indexes import ASKED
from tai_state.rules.history.costs import cost_of_change

if TYPE_CHECKING:
    from tai_state.scale.prices import Prices

MONTH_SECONDS = 30 * 24 * 3600
GIB = 1024**3

STATE_BYTES, EVENT_BYTES, SNAPSHOT_BYTES, RECEIPT_BYTES = 810, 1_120, 815, 400
"""What a document takes beside the data in it, as Firestore counts it, with ids of about 16 characters; measured."""

SEALED_EVENT_BYTES = 70
"""What an event adds to a segment beside its data; data that compresses badly is the case reckoned with."""

INDEX_ENTRY_BYTES = 200
"""An entry of an index: 32 bytes, the names of the document and its parent, and the value."""

ORDERS = 2
"""A field that is not exempt is indexed ascending and descending."""

MOST = 1e15
"""What is more is a slip, and beyond what numbers can reckon with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is to be kept, and how fast it changes.

    Args:
        machines: States that are there.
        moves_per_second: Changes of all of them together, day and night.
        data_bytes: What the data of one takes.
        keyed: The share of moves that have an idempotency key.
        known: The share of moves whose process moved the state before, and remembers it and its events.
        months: After how many months of such moves the documents and bytes are told.

    Raises:
        ConfigurationError: One of them cannot be; names it.
    """

    machines: int
    moves_per_second: float
    data_bytes: int
    keyed: float = 0.0
    known: float = 0.0
    months: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        least = {"machines": 1, "moves_per_second": 0, "data_bytes": 0, "keyed": 0, "known": 0, "months": 0}
        most = {"keyed": 1, "known": 1}
        for name, low in least.items():
            value, high = getattr(self, name), most.get(name, MOST)
            # No number, NaN, is within no bounds.
            if not low <= value <= high:
                message = f"{name} is at least {low} and at most {high:g}, not {value!r}"
                raise ConfigurationError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a load asks for.

    Attributes:
        documents: How many there are of each kind after the months of the load.
        bytes: What they take, indexes included, where all fields are exempt that no query asks for.
        reads, writes, deletes: Documents billed in a month of moves.
        money: The price of each in a month, in the price table's currency.
    """

    load: Load
    documents: dict[str, int]
    bytes: int
    reads: float
    writes: float
    deletes: float
    money: dict[str, float]

    @property
    def total(self) -> float:
        """What a month costs altogether."""
        return sum(self.money.values())

    @property
    def writes_per_second(self) -> float:
        """The documents written and deleted a second."""
        return (self.writes + self.deletes) / MONTH_SECONDS


def documents_of(load: Load, maintenance: Maintenance) -> dict[str, int]:
    """Return how many documents there are of each kind, where all machines have had as many moves."""
    moves = load.moves_per_second * load.months * MONTH_SECONDS
    versions = 1 + moves / load.machines
    snapshots = min(maintenance.snapshot_retention, int(versions // maintenance.snapshot_interval))
    # A segment is sealed by the commit behind its last event.
    segments = int((versions - 1) // maintenance.segment_events)
    return {
        "states": load.machines,
        "events": load.machines + round(moves),
        "snapshots": load.machines * snapshots,
        "segments": load.machines * segments,
        # They go a week after they were made, by a TTL policy.
        "receipts": round(load.keyed * load.moves_per_second * min(7 * 24 * 3600, load.months * MONTH_SECONDS)),
    }


def bytes_of(load: Load, documents: dict[str, int], maintenance: Maintenance) -> int:
    """Return what documents take, and the indexes of the fields that queries ask for."""
    data = load.data_bytes
    sizes = {
        "states": data + STATE_BYTES,
        # It holds the data before and behind.
        "events": 2 * data + EVENT_BYTES,
        "snapshots": data + SNAPSHOT_BYTES,
        "segments": maintenance.segment_events * (data + SEALED_EVENT_BYTES),
        "receipts": RECEIPT_BYTES,
    }
    return sum(count * (sizes[kind] + _indexed(kind)) for kind, count in documents.items())


def _indexed(kind: str) -> int:
    """Return what the indexes of one document take."""
    # What is looked for across governors is of fields that few documents have: of the others it has no entries.
    plain = [one for one in ASKED if one.collection == kind and not one.is_group]
    asked = {name for one in plain for name in (*one.equal, one.within) if name}
    return ORDERS * INDEX_ENTRY_BYTES * len(asked)


def estimate(load: Load, prices: Prices, maintenance: Maintenance | None = None) -> Estimate:
    """Return what *load* asks for, at *prices*, with the *maintenance* that the store is configured with."""
    kept = maintenance or Maintenance()
    moves = load.moves_per_second * MONTH_SECONDS
    cost = cost_of_change(
        keyed=load.keyed,
        snapshot_interval=kept.snapshot_interval,
        segments=1 / kept.segment_events,
        sealed=1 - load.known,
        known=load.known,
    )
    documents = documents_of(load, kept)
    size = bytes_of(load, documents, kept)
    # A receipt that has expired is deleted, and that is billed, too.
    reads, writes, deletes = moves * cost.reads, moves * cost.writes, moves * (cost.deletes + load.keyed)
    money = {
        "reads": reads / 100_000 * prices.reads_per_100000,
        "writes": writes / 100_000 * prices.writes_per_100000,
        "deletes": deletes / 100_000 * prices.deletes_per_100000,
        "storage": size / GIB * prices.gib_month,
    }
    return Estimate(
        load=load, documents=documents, bytes=size, reads=reads, writes=writes, deletes=deletes, money=money
    )
