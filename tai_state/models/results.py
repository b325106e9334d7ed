"""What a change returns. Its event and its state are made when they are looked at, and pydantic is imported then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Protocol

from tai_state.models.requests import DataT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tai_state.models.states import Event, StateSnapshot


class Change(Protocol):
    """What every result tells without its models."""

    @property
    def version(self) -> int: ...  # noqa: D102 - as the result's own
    @property
    def from_status(self) -> str | None: ...  # noqa: D102
    @property
    def to_status(self) -> str: ...  # noqa: D102


class TransitionResult(Generic[DataT]):
    """The outcome of a change: its event and the state that it made. Frozen, as they are."""

    __slots__ = ("_change", "_event", "_make", "_replayed", "_snapshot")

    _change: Change
    _event: Event[DataT] | None
    _snapshot: StateSnapshot[DataT] | None
    _make: Callable[[], tuple[Event[DataT], StateSnapshot[DataT]]] | None
    _replayed: bool

    def __init__(self, event: Event[DataT], snapshot: StateSnapshot[DataT], *, replayed: bool = False) -> None:
        """Tell of *event*, which made *snapshot*."""
        self._change = self._event = event
        self._snapshot, self._replayed, self._make = snapshot, replayed, None

    @property
    def replayed(self) -> bool:
        """Whether the change had been made before, under the same idempotency key."""
        return self._replayed

    @property
    def version(self) -> int:
        """The version that the change made."""
        return self._change.version

    @property
    def from_status(self) -> str | None:
        """The status before; None at creation."""
        return self._change.from_status

    @property
    def to_status(self) -> str:
        """The status after."""
        return self._change.to_status

    @property
    def event(self) -> Event[DataT]:
        """The change."""
        return self._both()[0]

    @property
    def snapshot(self) -> StateSnapshot[DataT]:
        """The state as the change left it."""
        return self._both()[1]

    def _both(self) -> tuple[Event[DataT], StateSnapshot[DataT]]:
        if self._event is None or self._snapshot is None:
            assert self._make is not None
            self._event, self._snapshot = self._make()
        return self._event, self._snapshot

    def __eq__(self, other: object) -> bool:
        """Whether both tell the same."""
        if not isinstance(other, TransitionResult):
            return NotImplemented
        return self._both() == other._both() and self._replayed == other._replayed

    def __hash__(self) -> int:
        """Return the same for results that are equal."""
        return hash(self.event.transition_id)

    def __repr__(self) -> str:
        """Show all of it."""
        return f"TransitionResult(event={self.event!r}, snapshot={self.snapshot!r}, replayed={self._replayed})"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy what it tells, not how that is made."""
        return _made_again, (*self._both(), self._replayed)


def result_of(change: Change, make: Callable[[], tuple[Event[DataT], StateSnapshot[DataT]]]) -> TransitionResult[DataT]:
    """Return the result of a *change* just made, which lets *make* make both when one of them is looked at first."""
    # As of any data: what it holds is what *make* returns.
    result: TransitionResult[Any] = object.__new__(TransitionResult)
    result._change, result._make, result._replayed = change, make, False  # noqa: SLF001 - it is in the making
    result._event = result._snapshot = None  # noqa: SLF001
    return result


def _made_again(event: Any, snapshot: Any, replayed: bool) -> TransitionResult[Any]:  # noqa: FBT001 - for pickle
    return TransitionResult(event, snapshot, replayed=replayed)
