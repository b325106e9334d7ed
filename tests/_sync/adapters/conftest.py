# Generated from tests/_async/adapters/conftest.py by .ci/generate_sync.py; do not edit.
"""Checkpoints of LangGraph in a store, and a thread of them."""
import pytest

from tai_state.adapters._sync.checkpoints import Checkpoints
from tests._sync.checkpoints import Thread


@pytest.fixture
def checkpoints(store):
    return Checkpoints(store)


@pytest.fixture
def thread(checkpoints):
    return Thread(checkpoints)
