"""The SQLite backend in both colours against the conformance suite."""

import pytest

from tai_state._async.backends.sqlite import AsyncSqliteBackend
from tai_state._sync.backends.sqlite import SqliteBackend
from tai_state.testing._async.conformance import AsyncBackendConformance
from tai_state.testing._sync.conformance import BackendConformance


class TestAsyncSqlite(AsyncBackendConformance):
    @pytest.fixture
    async def backend(self, tmp_path):
        self.path = tmp_path / "store.db"
        backend = AsyncSqliteBackend(self.path)
        yield backend
        await backend.close()

    async def reopen(self, backend):
        return AsyncSqliteBackend(self.path)


class TestSqlite(BackendConformance):
    @pytest.fixture
    def backend(self, tmp_path):
        self.path = tmp_path / "store.db"
        backend = SqliteBackend(self.path)
        yield backend
        backend.close()

    def reopen(self, backend):
        return SqliteBackend(self.path)
