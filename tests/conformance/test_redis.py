"""The Redis backend in both colours against the conformance suite, on a real redis-server."""

import pytest

from tai_state._async.backends.redis import AsyncRedisBackend
from tai_state._sync.backends.redis import RedisBackend
from tai_state.testing._async.conformance import AsyncBackendConformance
from tai_state.testing._sync.conformance import BackendConformance

pytestmark = pytest.mark.more


class TestAsyncRedis(AsyncBackendConformance):
    @pytest.fixture
    async def backend(self, redis_url):
        self.url = redis_url
        backend = AsyncRedisBackend(self.url)
        yield backend
        await backend.close()

    async def reopen(self, backend):
        return AsyncRedisBackend(self.url)


class TestRedis(BackendConformance):
    @pytest.fixture
    def backend(self, redis_url):
        self.url = redis_url
        backend = RedisBackend(self.url)
        yield backend
        backend.close()

    def reopen(self, backend):
        return RedisBackend(self.url)
