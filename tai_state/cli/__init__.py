"""The command line: ``tai-state``, also ``python -m tai_state``."""

from tai_state.cli.app import main

__all__ = ["main"]
