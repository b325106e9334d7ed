"""The program, run inside the test's own process."""

import pytest
from click.testing import CliRunner

from tai_state.cli import main


@pytest.fixture
def run():
    """Run a command line, whatever its exit code."""
    runner = CliRunner()

    def run(*arguments):
        return runner.invoke(main, list(arguments), prog_name="tai-state")

    return run
