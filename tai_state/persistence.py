"""How a persister keeps its states: snapshots and retention."""

from dataclasses import dataclass

from tai_state.rules.maintenance import Maintenance


@dataclass(frozen=True, slots=True)
class PersistenceConfig:
    """The settings of one persister; processes with different ones may share a store.

    Args:
        snapshot_interval: A snapshot goes with the commit that reaches a multiple of it, and so many events make
            a sealed segment.
        snapshot_retention: The newest snapshots that are kept, exactly.
        schema_version: The version of the data's own schema; a state with a higher one is refused.
    """

    snapshot_interval: int = 100
    snapshot_retention: int = 5
    schema_version: int = 1

    def __post_init__(self) -> None:
        """Refuse what could not work."""
        _ = self.maintenance

    @property
    def maintenance(self) -> Maintenance:
        """The intervals, as the rules take them."""
        return Maintenance(self.snapshot_interval, self.snapshot_retention)
