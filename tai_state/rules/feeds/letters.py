"""Dead letters: what an event is put aside with."""

from dataclasses import dataclass
from datetime import datetime

from tai_state.errors import TaiStateError
from tai_state.rules.feeds.positions import GAP, Failure, Letter, StatePosition

ERROR_LENGTH_MAX = 1_000
NEVER_CAME_BACK = "handler_never_came_back"
NOT_TOLD = "not_told"


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of one state, or of one dead letter.

    Attributes:
        count: How many events were delivered.
        is_done: Whether nothing is left to be done: all is delivered, or waits for a dead letter.
        retry_at: When the next event may be tried again; None: at once.
        version: The last version that was delivered, passed over, or put aside.
        is_blocked: Whether the rest waits for a dead letter.
    """

    count: int = 0
    is_done: bool = False
    retry_at: datetime | None = None
    version: int = 0
    is_blocked: bool = False


def failure_of(error: BaseException, attempts: int) -> Failure:
    """Return that a handler raised *error* in the last of so many attempts."""
    code = error.code if isinstance(error, TaiStateError) else type(error).__name__
    return Failure(code, f"{type(error).__name__}: {error}"[:ERROR_LENGTH_MAX], attempts)


def never_came_back(attempts: int) -> Failure:
    """Return that no attempt ended, neither well nor with an error."""
    text = f"no attempt came back, of {attempts}: the process ended within each, or was stopped"
    return Failure(NEVER_CAME_BACK, text, attempts)


def not_told() -> Failure:
    """Return that an event was to be told once at most, and its worker was too late to tell it."""
    text = "not told, or not to all of its handlers: its worker had lost the lease of the shard before it could"
    return Failure(NOT_TOLD, text, 1)


def gap(first: int, last: int) -> Failure:
    """Return that the versions from *first* to *last* were trimmed before they were delivered."""
    return Failure(GAP, f"versions {first} to {last} were trimmed before they were delivered", 0, last)


def letter_of(position: StatePosition, version: int, failure: Failure, now: datetime, before: Letter | None) -> Letter:
    """Return the dead letter of an event; *before* is what stands in its place."""
    return Letter(
        epoch=position.epoch,
        update_time=None if before is None else before.update_time,
        key=position.key,
        version=version,
        last=version if failure.last is None else failure.last,
        code=failure.code,
        error=failure.error,
        attempts=failure.attempts,
        died_at=now,
    )
