"""Long runs tell their figures: how much they did, and how long it took, at the end of the report."""

from collections.abc import Callable

import pytest

FIGURES = pytest.StashKey[list[str]]()


@pytest.fixture
def tell(request) -> Callable[[str], None]:
    """Add a line to the figures of the session."""
    figures: list[str] = request.config.stash.setdefault(FIGURES, [])
    return figures.append


def pytest_terminal_summary(terminalreporter, config):
    """Show the figures, whether the tests passed or not."""
    figures = config.stash.get(FIGURES, [])
    if figures:
        terminalreporter.section("figures")
        for figure in figures:
            terminalreporter.line(figure)
