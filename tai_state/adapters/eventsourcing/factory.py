"""How eventsourcing opens a store: by its environment, like its own persistence modules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from eventsourcing.persistence import InfrastructureFactory
from eventsourcing.utils import resolve_topic

from tai_state import ConfigurationError, connect
from tai_state.adapters.eventsourcing.recorders import (
    TaiStateAggregateRecorder,
    TaiStateApplicationRecorder,
    TaiStateProcessRecorder,
    TaiStateTrackingRecorder,
)
from tai_state.config import load

if TYPE_CHECKING:
    from eventsourcing.persistence import AggregateRecorder, ApplicationRecorder, ProcessRecorder
    from eventsourcing.utils import Environment, EnvType

    from tai_state import StateStore

R = TypeVar("R")


class TaiStateFactory(InfrastructureFactory[TaiStateTrackingRecorder]):
    """Makes the recorders of one application, all over one store; closing it closes that.

    The application's name is the governor, ``eventsourcing`` where it has none.
    """

    STORE: Final = "TAI_STATE_STORE"
    CONFIG: Final = "TAI_STATE_CONFIG"

    def __init__(self, env: Environment | EnvType | None) -> None:
        """Open the store that the environment names; nothing is read before its first use.

        ``TAI_STATE_STORE`` is its URL, ``TAI_STATE_CONFIG`` a file of settings, which may name it, too. With the
        application's name before them (``SHOP_TAI_STATE_STORE``) they are of that application.

        Raises:
            ConfigurationError: Neither is there; or what they say cannot be.
        """
        super().__init__(env)
        url, config = self.env.get(self.STORE), self.env.get(self.CONFIG)
        if not url and not config:
            names = " or ".join(self.env.create_keys(self.STORE))
            message = f"the environment of the application says no store: set {names} to its URL, as for connect()"
            raise ConfigurationError(message)
        self.store: StateStore = connect(url or None, settings=load(config) if config else None)
        self.governor_id = self.env.name or "eventsourcing"

    def aggregate_recorder(self, purpose: str = "events") -> AggregateRecorder:
        """Return a recorder of events without numbers, or of snapshots."""
        return TaiStateAggregateRecorder(self.store, self.governor_id, purpose=purpose)

    def application_recorder(self) -> ApplicationRecorder:
        """Return a recorder of events with numbers."""
        return self._class(self.APPLICATION_RECORDER_TOPIC, TaiStateApplicationRecorder)(self.store, self.governor_id)

    def tracking_recorder(
        self, tracking_recorder_class: type[TaiStateTrackingRecorder] | None = None
    ) -> TaiStateTrackingRecorder:
        """Return a recorder of positions, of the class that is given or that the environment names."""
        chosen = tracking_recorder_class or self._class(self.TRACKING_RECORDER_TOPIC, TaiStateTrackingRecorder)
        return chosen(self.store, self.governor_id)

    def process_recorder(self) -> ProcessRecorder:
        """Return a recorder of events with numbers, and of positions, in one commit."""
        return self._class(self.PROCESS_RECORDER_TOPIC, TaiStateProcessRecorder)(self.store, self.governor_id)

    def _class(self, key: str, default: type[R]) -> type[R]:
        topic = self.env.get(key)
        if not topic:
            return default
        found: Any = resolve_topic(topic)
        if not isinstance(found, type) or not issubclass(found, default):
            message = f"{key} names {topic!r}, which is no {default.__name__}"
            raise ConfigurationError(message)
        return found

    def close(self) -> None:
        """Wait for the calls under way, at most 10 seconds, and close the store."""
        self.store.drain()
        self.store.close()
