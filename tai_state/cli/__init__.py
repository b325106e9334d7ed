"""The command line: ``tai-state``, also ``python -m tai_state``.

What holds for every command, and what programs may rely on:

stdout carries the data and nothing else; notes, progress and errors go to stderr. With ``--json`` a list is a
line of JSON for each thing as it comes, one thing is one object, and an error is ``{"error": code, "message":
text, ...}`` on stderr, the code that of the exception. Stored values keep the types that JSON lacks, as
``tai_state.values`` writes them. Without ``--json`` a terminal gets a table, a pipe plain columns, uncut.
Whatever a user stored or typed, no control character of it reaches a terminal; $NO_COLOR is obeyed. A reader that goes
away, as ``head`` does, is no error. Silence of two seconds is explained on stderr.

Exit codes: 0 sound, 1 something is left (not found, a conflict, findings, damage), 2 bad usage, 3 the store is
unreachable, 130 interrupted. What is foreseen ends in one line; a traceback is a defect of ours.

Reading never makes a store. No change is without an author: ``--actor``, or whom the store's own order finds.
Whatever is killed can be run again.

The rooms: ``program`` is what the commands share, ``commands`` has a file or a folder for each, and neither
knows more of the library than its users do: public names only.
"""

from tai_state.cli.commands import COMMANDS, load
from tai_state.cli.program.app import main
from tai_state.cli.program.late import LateCommands

main.summaries = COMMANDS
main.commands = LateCommands(COMMANDS, load)

__all__ = ["main"]
