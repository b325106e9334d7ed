"""Questions before something is destroyed."""

import sys

import click


def ask(question: str, what: str) -> None:
    """Ask at the terminal, and go on for a yes alone.

    Args:
        what: What ``--yes`` allows, as it stands in "--yes says that ...".

    Raises:
        UsageError: There is no terminal.
        Abort: The answer is no.
    """
    if not sys.stdin.isatty():
        message = f"without a terminal to ask at, --yes says that {what}"
        raise click.UsageError(message)
    click.confirm(question, abort=True, err=True)
