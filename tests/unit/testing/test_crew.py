"""Workers in processes that are killed: one that has ended by itself meanwhile harms nobody."""

import subprocess
import sys

from tests.chaos.crew import Life


class Gone:
    """A process that has ended, of which its parent has not heard yet."""

    exitcode = None

    def __init__(self):
        with subprocess.Popen([sys.executable, "-c", ""]) as child:
            self.pid = child.pid


def test_a_process_that_ends_before_it_is_killed_is_told_as_that():
    """Nobody else is at its number, and whoever aims goes on."""
    life = Life()
    life._process = Gone()
    assert life.kill() is False
    assert life.freeze() is False
