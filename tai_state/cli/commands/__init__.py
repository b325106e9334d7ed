"""The commands, in one place: a file each, or a folder where there is more to it than its words.

A command is a module named like it, with a function of that name whose docstring is its help; in a folder the module
is ``command``, and the folder's docstring says what the command promises. It stands in ``COMMANDS``, has an
example, and is named in README.md or docs: a test of the house fails for one that is not.

A command asks the store through ``session.reading()`` or ``connect``, writes through ``program.output``, and
returns its exit code where that is not 0. It imports what only it needs, such as the emulator's launcher,
where it is used: ``--help`` waits for nobody. Commands do not import each other; what two of them share
is the program's.
"""

import click

from tai_state.cli.commands.demo.command import demo
from tai_state.cli.commands.emulator import emulator
from tai_state.cli.commands.governors import governors
from tai_state.cli.commands.history import history
from tai_state.cli.commands.ingest.command import ingest
from tai_state.cli.commands.machine.command import machine
from tai_state.cli.commands.show import show
from tai_state.cli.commands.states import states
from tai_state.cli.commands.stats import stats
from tai_state.cli.commands.verify import verify

COMMANDS: tuple[click.Command, ...] = (demo, emulator, governors, history, ingest, machine, show, states, stats, verify)

__all__ = ["COMMANDS"]
