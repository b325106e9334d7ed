"""The server, called within the test's own process, on a store in memory."""

import pytest

from tests.unit.server.world import World


@pytest.fixture
async def world():
    """Give a server with machines, tokens of several kinds, and callers for them."""
    async with World.opened() as world:
        yield world


@pytest.fixture
def call(world):
    """Give the caller who may do everything."""
    return world.everything
