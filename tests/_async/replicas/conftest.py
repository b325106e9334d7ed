"""Two stores: one on the backend of the test, and one in memory beside it."""

import pytest

from tai_state import AsyncMemoryStore


@pytest.fixture
def ours(place):
    """A store on the backend of the test."""
    return place.store(actor="ann")


@pytest.fixture
async def theirs():
    """Another store, in memory."""
    async with AsyncMemoryStore(actor="bob") as store:
        yield store
