"""Checkpoints of LangGraph in a store, and a thread of them."""

import pytest

from tai_state.adapters._async.checkpoints import AsyncCheckpoints
from tests._async.checkpoints import AsyncThread


@pytest.fixture
async def checkpoints(store):
    return AsyncCheckpoints(store)


@pytest.fixture
async def thread(checkpoints):
    return AsyncThread(checkpoints)
