"""Machine files that a command is given: read whole, with every problem named."""

from pathlib import Path
from typing import Any

import click

from tai_state import InvalidMachineError, Machine
from tai_state.machine import MachineProblem

MACHINE_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)


def read_machine(path: Path) -> Machine[Any]:
    """Return the machine in the file at *path*, without its functions.

    Raises:
        InvalidMachineError: It is no sound machine; lists every problem.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        message = f"the file is not UTF-8: {error.reason} at byte {error.start:,}"
        raise InvalidMachineError([MachineProblem("json", message)]) from error
    return Machine.from_json(text, functions=None)
