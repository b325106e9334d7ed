"""Stores that feed, on every backend."""

from typing import Any

import pytest

from tai_state import AsyncBackendStore
from tests._async.stores import AsyncPlace


class AsyncFeedPlace(AsyncPlace):
    """A place whose stores feed: on Firestore each of them says so."""

    def store(self, **options: Any) -> AsyncBackendStore:
        """Return one more store here, which feeds."""
        return super().store(**({"feed": True, **options} if self.kind == "firestore" else options))


@pytest.fixture
async def feeding(backend_kind, location):
    """An empty place whose stores feed; closed behind the test."""
    place = AsyncFeedPlace(backend_kind, **location)
    yield place
    await place.close()
