"""The errors of this package in eventsourcing's words: the one place where they are mapped."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from eventsourcing.persistence import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    PersistenceError,
)

from tai_state.errors import (
    ConflictError,
    DeadlineExceededError,
    DocumentTooLargeError,
    InvalidDataError,
    InvalidIdError,
    OutcomeUnknownError,
    PreparedError,
    ReplayError,
    RetriesExhaustedError,
    StoreClosedError,
    StoreError,
    TaiStateError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

# The first that fits counts.
_WORDS: tuple[tuple[tuple[type[TaiStateError], ...], type[PersistenceError]], ...] = (
    ((InvalidDataError, InvalidIdError, DocumentTooLargeError), DataError),
    ((PreparedError,), OperationalError),
    ((ConflictError,), IntegrityError),
    ((StoreClosedError,), InterfaceError),
    ((DeadlineExceededError, RetriesExhaustedError, OutcomeUnknownError, StoreError), OperationalError),
    ((ReplayError,), DatabaseError),
)


@contextmanager
def told() -> Iterator[None]:
    """Raise what this package raises as the ``PersistenceError`` that says the same; ours is its cause."""
    try:
        yield
    except TaiStateError as error:
        for ours, theirs in _WORDS:
            if isinstance(error, ours):
                raise theirs(str(error)) from error
        raise PersistenceError(str(error)) from error
