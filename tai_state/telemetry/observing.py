"""The one hook: who looks on at a store, of either colour."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Self

from tai_state.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from tai_state import AsyncStateStore, StateStore
    from tai_state.observers import Observer, Observers


class Observation:
    """An observer and the store that it looks on at, until it is closed; a context manager."""

    def __init__(self, observers: Observers) -> None:
        """Keep the store's observers."""
        self._observers = observers

    def close(self) -> None:
        """Look on no more, not even at the end of what is under way; a second call does nothing."""
        self._observers.remove(self)

    def __enter__(self) -> Self:
        """Return itself; it has begun already."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Look on no more."""
        self.close()


def observe(store: StateStore | AsyncStateStore, observer: Observer) -> Observation:
    """Tell *observer* of each operation of *store* from now on, until what is returned is closed.

    That is of every call of the store itself, and of the persisters and managers over it, made before or after.

    Raises:
        ConfigurationError: *store* is none.
    """
    listening = _listening(store)
    observers: Observers = store.runtime.inflight.observers
    observation = Observation(observers)
    observers.add(observation, observer, lambda: listening(store.runtime.access.backend, observers))
    return observation


def _listening(store: object) -> Callable[[Any, Observers], Callable[[], None]]:
    """Return what listens to the backends of a store's colour; of the other one nothing is imported."""
    if _is(store, "_async", "AsyncStateStore"):
        from tai_state._async.access.observing import async_listening  # noqa: PLC0415

        return async_listening
    if _is(store, "_sync", "StateStore"):
        from tai_state._sync.access.observing import listening  # noqa: PLC0415

        return listening
    message = f"a store is observed, not {type(store).__name__}: StateStore or AsyncStateStore"
    raise ConfigurationError(message)


def _is(store: object, colour: str, name: str) -> bool:
    module = sys.modules.get(f"tai_state.{colour}.api.store")
    return module is not None and isinstance(store, getattr(module, name))
