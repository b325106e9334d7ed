# Generated from tests/_async/replicas/conftest.py by .ci/generate_sync.py; do not edit.
"""Two stores: one on the backend of the test, and one in memory beside it."""
import pytest

from tai_state import MemoryStore


@pytest.fixture
def ours(place):
    """A store on the backend of the test."""
    return place.store(actor="ann")


@pytest.fixture
def theirs():
    """Another store, in memory."""
    with MemoryStore(actor="bob") as store:
        yield store
