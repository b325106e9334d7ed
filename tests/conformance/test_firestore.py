"""The Firestore backend in both colours against the conformance suite, on the emulator."""

import pytest

from tai_state._async.backends.firestore import AsyncFirestoreBackend
from tai_state._sync.backends.firestore import FirestoreBackend
from tai_state.testing._async.conformance import AsyncBackendConformance
from tai_state.testing._sync.conformance import BackendConformance

pytestmark = pytest.mark.emulator


class TestAsyncFirestore(AsyncBackendConformance):
    @pytest.fixture
    async def backend(self, tai_state_project):
        self.project = tai_state_project
        backend = AsyncFirestoreBackend(project=self.project)
        yield backend
        await backend.close()

    async def reopen(self, backend):
        return AsyncFirestoreBackend(project=self.project)


class TestFirestore(BackendConformance):
    @pytest.fixture
    def backend(self, tai_state_project):
        self.project = tai_state_project
        backend = FirestoreBackend(project=self.project)
        yield backend
        backend.close()

    def reopen(self, backend):
        return FirestoreBackend(project=self.project)
