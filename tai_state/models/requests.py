"""What a caller hands in, and the int that tells of a delete: nothing here needs pydantic."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Self

from typing_extensions import TypeVar  # defaults of type variables came to typing with Python 3.13

if TYPE_CHECKING:
    from tai_state.models.states import Event

DataT = TypeVar("DataT", default=dict[str, Any])


class _Keep(Enum):
    """The type of ``KEEP``."""

    KEEP = "keep"

    def __repr__(self) -> str:
        return "KEEP"


Keep = _Keep
KEEP: Final = _Keep.KEEP
"""Leave ``last_error`` as it is."""


class DeletedVersion(int):
    """The version of a tombstone: an int like any, which also tells what the delete took away.

    Attributes:
        event: The event of the delete, whose ``from_status`` and ``from_state`` are what was there. None where
            nothing was (``missing_ok=True``) and nothing was written; the version is that of the tombstone that
            stood there already, or 0.
    """

    event: Event | None

    def __new__(cls, version: int, event: Event | None = None) -> Self:
        """Make the version that *event* made."""
        deleted = super().__new__(cls, version)
        deleted.event = event
        return deleted
