"""The conformance suite catches broken backends: each planted bug fails at least one named test of it."""

import pytest

from tai_state._sync.backends.memory import MemoryBackend
from tai_state.errors import InvalidDataError, StoreError
from tai_state.testing._sync.conformance import BackendConformance
from tests.unit.testing.broken_backends import PLANTED, NeverWakes, WatchesForEver

FAILURES = (AssertionError, pytest.fail.Exception)


def _run(backend, test, arguments):
    suite = BackendConformance()
    suite.timeout = 0.5 if isinstance(backend, NeverWakes) else 30.0
    suite.slack = 0.5 if isinstance(backend, WatchesForEver) else 5.0
    getattr(suite, test)(backend, **arguments)


@pytest.mark.parametrize(("broken", "test", "arguments"), PLANTED, ids=lambda value: getattr(value, "__name__", ""))
def test_a_planted_bug_is_caught(broken, test, arguments):
    """The test that watches over a promise fails on the backend that breaks it."""
    with pytest.raises((*FAILURES, StoreError, InvalidDataError)):
        _run(broken(), test, arguments)


@pytest.mark.parametrize(("test", "arguments"), [(test, arguments) for _, test, arguments in PLANTED])
def test_the_same_test_passes_without_the_bug(test, arguments):
    """It is the planted bug that is caught: the sound backend passes, or the test does not apply to it."""
    try:
        _run(MemoryBackend(), test, arguments)
    except pytest.skip.Exception:
        assert "reopening" in test or "not_declared" in test
