"""Machine files that a command is given: read whole, with every problem named."""

from pathlib import Path
from typing import Any

import click

from tai_state import InvalidMachineError, Machine
from tai_state.cli.program.encodings import HEAD_BYTES, wrong_encoding
from tai_state.machine import MachineProblem

MACHINE_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)


def read_machine(path: Path) -> Machine[Any]:
    """Return the machine in the file at *path*, without its functions.

    Raises:
        InvalidMachineError: It is no sound machine; lists every problem.
    """
    return Machine.from_json(machine_text(path), functions=None)


def machine_text(path: Path) -> str:
    """Return the text of the machine file at *path*, whatever it says.

    Raises:
        InvalidMachineError: It is no UTF-8.
    """
    raw = path.read_bytes()
    wrong = wrong_encoding(raw[:HEAD_BYTES], "the file")
    if wrong is not None:
        raise InvalidMachineError([MachineProblem("json", wrong)])
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        message = f"the file is not UTF-8: {error.reason} at byte {error.start:,}"
        raise InvalidMachineError([MachineProblem("json", message)]) from error
