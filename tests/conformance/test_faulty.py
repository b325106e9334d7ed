"""The faulty backend against the conformance suite: what it does not break on purpose stays whole."""

import pytest

from tai_state._async.backends.memory import AsyncMemoryBackend
from tai_state._sync.backends.memory import MemoryBackend
from tai_state.testing import AsyncFaultyBackend, FaultPlan, Faults, FaultyBackend
from tai_state.testing._async.conformance import AsyncBackendConformance
from tai_state.testing._sync.conformance import BackendConformance

SLOW_AND_TORN = Faults(torn=0.5, delay=0.2, delay_seconds_max=0.001)


class TestAsyncFaulty(AsyncBackendConformance):
    @pytest.fixture
    async def backend(self):
        return AsyncFaultyBackend(AsyncMemoryBackend(), FaultPlan(1, SLOW_AND_TORN))


class TestFaulty(BackendConformance):
    @pytest.fixture
    def backend(self):
        return FaultyBackend(MemoryBackend(), FaultPlan(1, SLOW_AND_TORN))
