"""Long runs tell their figures at the end of the report, and each has an emulator of its own."""

from collections.abc import Callable, Iterator

import pytest

from tai_state.testing import emulator
from tai_state.testing.firestore_emulator import EmulatorEndpoint

FIGURES = pytest.StashKey[list[str]]()
HEAP_MIB = 6_144


@pytest.fixture
def tell(request) -> Callable[[str], None]:
    """Add a line to the figures of the session."""
    figures: list[str] = request.config.stash.setdefault(FIGURES, [])
    return figures.append


@pytest.fixture
def tai_state_emulator_server() -> Iterator[EmulatorEndpoint]:
    """Return an emulator that has served nobody else: it keeps in memory all that it was ever told, and fills up.

    With room for that: where its heap is nearly full, it does little but look for more.
    """
    with emulator(heap_mib=HEAP_MIB) as server:
        yield server


@pytest.fixture(params=["sqlite", pytest.param("firestore", marks=pytest.mark.emulator)])
def kind(request):
    """The name of the backend: one that several processes share."""
    return request.param


@pytest.fixture
def place(kind, request):
    """The URL of an empty place on it, and the emulator's address."""
    if kind == "sqlite":
        return f"sqlite:///{request.getfixturevalue('tmp_path') / 'store.db'}", None
    host = request.getfixturevalue("tai_state_emulator_server").host
    return f"firestore://{request.getfixturevalue('tai_state_project')}", host


def pytest_terminal_summary(terminalreporter, config):
    """Show the figures, whether the tests passed or not."""
    figures = config.stash.get(FIGURES, [])
    if figures:
        terminalreporter.section("figures")
        for figure in figures:
            terminalreporter.line(figure)
