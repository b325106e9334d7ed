"""What every test may ask for: the emulator, a project of its own in it, and how much to do."""

import signal

import pytest
from hypothesis import settings

from tests.scale import Scale

pytest_plugins = ["tai_state.testing.fixtures"]

# A busy machine is no defect: pytest-timeout bounds what hangs.
settings.register_profile("tai_state", deadline=None)
settings.load_profile("tai_state")

# A shell starts what runs in the background with Ctrl-C ignored, and every program of a test would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(params=["small", pytest.param("full", marks=pytest.mark.more)])
def scale(request):
    """How much to do: ``scale(160, 2_000)`` is the first number in `make test`, the second in `make test-more`."""
    return Scale(is_full=request.param == "full")
