"""The server, called within the test's own process, on a store in memory."""

import pytest

from tests.unit.server.browsing import browsing
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


@pytest.fixture
async def browser(world):
    """Give somebody in a session who may do everything."""
    async with browsing(world) as browser:
        yield browser


@pytest.fixture
def orders(world):
    """Give what moves orders."""
    return world.server.service.persisters["order"]
