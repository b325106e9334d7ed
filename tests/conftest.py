"""What every test may ask for: the emulator, a project of its own in it, and how much to do."""

import itertools
import logging
import os
import shutil
import signal

import pytest
from hypothesis import settings

from tai_state.backends.memory import encoding
from tests.scale import Scale

pytest_plugins = ["tai_state.testing.fixtures", "tests.redis_servers"]

# What the package makes of checked parts, no engine looks into again: here the strictest one does, so that each test
# proves of its own documents that every engine can hold them.
encoding.LOOKS_AT_ALL = True

# Thousands of small stores flush to their files at each commit, and a disk takes its time for it: where there is room
# they are in memory. A folder that is named stays: `make test-more` names the one of the system.
if os.access("/dev/shm", os.W_OK) and shutil.disk_usage("/dev/shm").free > 2 * 2**30:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", "/dev/shm")

# Half of what the emulator's Java does in so short a life is to compile itself once more for a long one.
# `make test-more` and `make torture` leave it to that.
os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1")

# A busy machine is no defect: pytest-timeout bounds what hangs.
settings.register_profile("tai_state", deadline=None)
settings.load_profile("tai_state")

# A shell starts what runs in the background with Ctrl-C ignored, and every program of a test would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


# Twins of tests that run on the emulator in the other colour, about rooms whose code never sees which engine it is:
# what differs between the engines is the port's, which the conformance suite tries in both colours.
TWINS_OF_MORE = (
    "api",
    "batching",
    "distributed",
    "doctor",
    "due",
    "feeds",
    "history",
    "jobs",
    "keys",
    "recovery",
    "replicas",
    "sagas",
    "transactions",
)


DAMAGES = "tests/_async/recovery/"
"""What is found and mended is decided by rules that know no engine: on the emulator `make test` tries some cases."""
DAMAGES_STEP = 3


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Leave those twins, and of each test most damages, to `make test-more`, where the emulator is concerned."""
    damages = [item for item in items if item.nodeid.startswith(DAMAGES) and item.get_closest_marker("emulator")]
    damages = sorted((one for one in damages if not one.get_closest_marker("more")), key=lambda one: one.nodeid)
    for _, cases in itertools.groupby(damages, lambda one: one.nodeid.partition("[")[0]):
        for number, item in enumerate(cases):
            if number % DAMAGES_STEP:
                item.add_marker(pytest.mark.more)
    for item in items:
        is_twin = item.nodeid.startswith(tuple(f"tests/_sync/{room}/" for room in TWINS_OF_MORE))
        if is_twin and item.get_closest_marker("emulator"):
            item.add_marker(pytest.mark.more)


@pytest.fixture(autouse=True)
def records_are_heard():
    """No test leaves the library silent, since others listen for what it tells."""
    yield
    told = logging.getLogger("tai_state")
    assert (told.level, told.disabled, told.propagate) == (logging.NOTSET, False, True)


@pytest.fixture(params=["small", pytest.param("full", marks=pytest.mark.more)])
def scale(request):
    """How much to do: ``scale(160, 2_000)`` is the first number in `make test`, the second in `make test-more`."""
    return Scale(is_full=request.param == "full")
