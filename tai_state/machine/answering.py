"""What every machine tells of its own accord, ours or not: how dependents react, and what is due after a status."""

from collections.abc import Mapping
from typing import Final

from tai_state.machine.timeouts import Timeout, kept_timeouts


class Answering:
    """Holds the reactions and the timeouts of a machine, and tells them."""

    def __init__(self, reactions: Mapping[str, str] | None, timeouts: Mapping[str, Timeout] | None) -> None:
        """Keep copies of both, as they were checked: texts are plain ones from here on."""
        self._reactions: Final = {
            str.__str__(status): str.__str__(action) for status, action in (reactions or {}).items()
        }
        self._timeouts: Final = kept_timeouts(timeouts)

    @property
    def on_dependency(self) -> dict[str, str]:
        """By a status of a dependency, the action that a dependent takes; a copy."""
        return dict(self._reactions)

    def reaction_to(self, status: str) -> str | None:
        """Return the action that a dependent takes when a dependency enters *status*; None for none."""
        return self._reactions.get(status)

    @property
    def timeouts(self) -> dict[str, Timeout]:
        """By status, what is due after a state entered it; a copy."""
        return dict(self._timeouts)

    def timeout_of(self, status: str) -> Timeout | None:
        """Return what is due after a state entered *status*; None for nothing."""
        return self._timeouts.get(status)
