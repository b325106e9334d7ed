"""Whether there is a governor, for commands whose answer is empty."""

from tai_state import StateStore
from tai_state.cli.program.failures import GovernorNotFoundError


def check_governor(store: StateStore, governor: str) -> None:
    """Refuse a governor that never had a state; one may have none of those that were asked for.

    Raises:
        GovernorNotFoundError: It has no state, not even a deleted one.
    """
    if not any(True for _ in store.list_states(governor, limit=1, include_deleted=True)):
        raise GovernorNotFoundError(governor)
