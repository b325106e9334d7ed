"""What a source gives: rows, each with the place it came from and the mark behind which a later run goes on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

Mark = Mapping[str, Any]
"""Where a source goes on: JSON-like, and only its own to read."""


@dataclass(frozen=True, slots=True)
class Row:
    """One document, row or line.

    Attributes:
        place: Where it is, for people: "orders/o-1", "orders.csv, line 17".
        origin: Where it is, for the event that adopts it: ``source``, by which it is known again, and what else is
            known, such as its path, its line, or when it was last written.
        mark: A run that has this row goes on behind it.
        fields: What it holds, with the values that a store takes.
        id: The id that it has without any field: that of its document.
        time: When it was last written, where that is known.
        earlier: Its earlier moves, where the source keeps them apart; None: they are in a field, or nowhere.
        converted: How many of its values a store does not take, and stand here as others: references, places.
        defect: Why it is no row; its fields are of no use then.
    """

    place: str
    origin: dict[str, Any]
    mark: dict[str, Any]
    fields: dict[str, Any]
    id: str | None = None
    time: datetime | None = None
    earlier: list[dict[str, Any]] | None = field(default=None)
    converted: int = 0
    defect: str | None = None


class Source(Protocol):
    """What may be adopted from.

    A run reads it twice: once to adopt, from its mark on, and once to check, from the beginning. Both in pages: what it
    yields is let go of.
    """

    @property
    def name(self) -> str:
        """What it is called, for people, and in the key of its mark."""
        ...

    @property
    def id_field(self) -> str | None:
        """The field that is the id where nobody names one; None: a row has an id of its own."""
        ...

    @property
    def governor(self) -> str | None:
        """The governor where nobody names one."""
        ...

    def fingerprint(self) -> str:
        """Return what tells that a mark is good: it changes where rows may stand elsewhere than when it was set."""
        ...

    def rows(self, after: Mark | None, *, history: str | None) -> Iterator[Row]:
        """Yield the rows behind *after*, all of them for None.

        Args:
            history: Where earlier moves are: a field, or what the source takes it for.

        Raises:
            StoreError: It cannot be read.
            ConfigurationError: It is not what it should be.
        """
        ...
