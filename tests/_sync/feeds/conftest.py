# Generated from tests/_async/feeds/conftest.py by .ci/generate_sync.py; do not edit.
"""Stores that feed, on every backend."""
from typing import Any

import pytest

from tai_state import BackendStore
from tests._sync.stores import Place


class FeedPlace(Place):
    """A place whose stores feed: on Firestore each of them says so."""

    def store(self, **options: Any) -> BackendStore:
        """Return one more store here, which feeds."""
        return super().store(**({"feed": True, **options} if self.kind == "firestore" else options))


@pytest.fixture
def feeding(backend_kind, location):
    """An empty place whose stores feed; closed behind the test."""
    place = FeedPlace(backend_kind, **location)
    yield place
    place.close()
