# Generated from tai_state/testing/_async/conformance/__init__.py by .ci/generate_sync.py; do not edit.
"""The conformance suite: what every backend must do, as tests that anybody can run on theirs.

Subclass ``BackendConformance`` in a test module and give it a fixture::

    class TestMine(BackendConformance):
        @pytest.fixture
        def backend(self, tmp_path):
            self.path = tmp_path / "store"
            backend = MyBackend(self.path)
            yield backend
            backend.close()

        def reopen(self, backend):  # only where DURABLE or SHARED is declared
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

from tai_state.testing._sync.conformance.atomicity import AtomicityContract  # noqa: E402 - see above
from tai_state.testing._sync.conformance.finding import FindingContract  # noqa: E402 - see above
from tai_state.testing._sync.conformance.ids import IdContract  # noqa: E402 - see above
from tai_state.testing._sync.conformance.lifetime import LifetimeContract  # noqa: E402 - see above
from tai_state.testing._sync.conformance.preconditions import (  # noqa: E402 - see above
    PreconditionContract,
)
from tai_state.testing._sync.conformance.queries import QueryContract  # noqa: E402 - see above
from tai_state.testing._sync.conformance.races import RaceContract  # noqa: E402 - see above
from tai_state.testing._sync.conformance.ranges import RangeContract  # noqa: E402 - see above
from tai_state.testing._sync.conformance.reads import ReadContract  # noqa: E402 - see above
from tai_state.testing._sync.conformance.scans import ScanContract  # noqa: E402 - see above
from tai_state.testing._sync.conformance.stamps import StampContract  # noqa: E402 - see above
from tai_state.testing._sync.conformance.times import TimeContract  # noqa: E402 - see above
from tai_state.testing._sync.conformance.values import ValueContract  # noqa: E402 - see above

__all__ = ["BackendConformance"]


class BackendConformance(
    PreconditionContract,
    AtomicityContract,
    ValueContract,
    IdContract,
    ReadContract,
    ScanContract,
    QueryContract,
    RangeContract,
    FindingContract,
    StampContract,
    TimeContract,
    RaceContract,
    LifetimeContract,
):
    """Every test of the port's contract: subclass it and override ``backend`` (and ``reopen``)."""
