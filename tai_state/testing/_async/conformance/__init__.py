"""The conformance suite: what every backend must do, as tests that anybody can run on theirs.

Subclass ``AsyncBackendConformance`` in a test module and give it a fixture::

    class TestMine(AsyncBackendConformance):
        @pytest.fixture
        async def backend(self, tmp_path):
            self.path = tmp_path / "store"
            backend = MyBackend(self.path)
            yield backend
            await backend.close()

        async def reopen(self, backend):  # only where DURABLE or SHARED is declared
            return MyBackend(self.path)

It needs pytest, and the async suite pytest-asyncio in auto mode too.
"""

import pytest

# Before the modules are imported: a failed assert then shows its values.
pytest.register_assert_rewrite(
    *(
        f"{__name__}.{module}"
        for module in (
            *("base", "atomicity", "finding", "ids", "lifetime", "preconditions"),
            *("queries", "races", "ranges", "reads", "scans", "stamps", "times", "values"),
        )
    )
)

from tai_state.testing._async.conformance.atomicity import AsyncAtomicityContract  # noqa: E402 - see above
from tai_state.testing._async.conformance.finding import AsyncFindingContract  # noqa: E402 - see above
from tai_state.testing._async.conformance.ids import AsyncIdContract  # noqa: E402 - see above
from tai_state.testing._async.conformance.lifetime import AsyncLifetimeContract  # noqa: E402 - see above
from tai_state.testing._async.conformance.preconditions import (  # noqa: E402 - see above
    AsyncPreconditionContract,
)
from tai_state.testing._async.conformance.queries import AsyncQueryContract  # noqa: E402 - see above
from tai_state.testing._async.conformance.races import AsyncRaceContract  # noqa: E402 - see above
from tai_state.testing._async.conformance.ranges import AsyncRangeContract  # noqa: E402 - see above
from tai_state.testing._async.conformance.reads import AsyncReadContract  # noqa: E402 - see above
from tai_state.testing._async.conformance.scans import AsyncScanContract  # noqa: E402 - see above
from tai_state.testing._async.conformance.stamps import AsyncStampContract  # noqa: E402 - see above
from tai_state.testing._async.conformance.times import AsyncTimeContract  # noqa: E402 - see above
from tai_state.testing._async.conformance.values import AsyncValueContract  # noqa: E402 - see above

__all__ = ["AsyncBackendConformance"]


class AsyncBackendConformance(
    AsyncPreconditionContract,
    AsyncAtomicityContract,
    AsyncValueContract,
    AsyncIdContract,
    AsyncReadContract,
    AsyncScanContract,
    AsyncQueryContract,
    AsyncRangeContract,
    AsyncFindingContract,
    AsyncStampContract,
    AsyncTimeContract,
    AsyncRaceContract,
    AsyncLifetimeContract,
):
    """Every test of the port's contract: subclass it and override ``backend`` (and ``reopen``)."""
