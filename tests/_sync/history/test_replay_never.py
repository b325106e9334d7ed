# Generated from tests/_async/history/test_replay_never.py by .ci/generate_sync.py; do not edit.
"""A version of a state that never was is not found, and no log is called damaged for it."""
import pytest

from tai_state import StateMachinePersister, CorruptLogError, StateNotFoundError
from tai_state.documents import Delete
from tai_state.layout import state_layout
from tests._sync.stores import TIMEOUT


def test_a_version_of_a_state_that_never_was_is_not_found(store):
    """As the state itself is not."""
    with pytest.raises(StateNotFoundError):
        StateMachinePersister(store).replay("g", "never", until_version=1)


def test_a_version_whose_event_is_gone_is_damage(store):
    """Also where the state's document is missing, as long as there is an event."""
    for n in range(2):
        store.save_state("g", "s", {"n": n})
    paths = state_layout("g", "s")
    store.runtime.access.backend.commit([Delete(paths.state), Delete(paths.event(1))], timeout=TIMEOUT)
    with pytest.raises(CorruptLogError):
        StateMachinePersister(store).replay("g", "s", until_version=1)
