"""The commands, in one place: a file each, or a folder where there is more to it than its words.

A command is a module named like it, with a function of that name whose docstring is its help; in a folder the module
is ``command``, and the folder's docstring says what the command promises. It stands in ``COMMANDS`` with the first
sentence of its help, has an example, and is named in README.md or docs: a test of the house fails for one that is not.

A command asks the store through ``session.reading()`` or ``connect``, writes through ``program.output``, and
returns its exit code where that is not 0. It is imported when it is called, and imports what only it needs, such as the
emulator's launcher, where it is used: ``--help`` waits for nobody. Commands do not import each other; what two of
them share is the program's.
"""

from importlib import import_module
from keyword import iskeyword

import click

COMMANDS = {
    "adopt": "Make states of what is kept elsewhere: documents of a collection, rows of a query, lines of a file.",
    "backup": "Copy a live SQLite store to a file.",
    "config": "Check the settings, and show where each comes from.",
    "demo": "Run, kill -9, take over, verify: the main job end to end.",
    "diff": "Show what lies between two versions of a state, path by path.",
    "doctor": "Look at what a store stands on: its clock, indexes, leases, what grows; nothing is written.",
    "due": "Show what is due, and make the moves that are.",
    "emulator": "Run one Firestore emulator for the commands that follow.",
    "erase": "Erase all that a state, or every state of a governor, ever held; nothing brings it back.",
    "estimate": "Tell what a load would ask of Firestore: documents, storage, billed operations, money, and limits.",
    "events": "List the events of all states of a governor, in the order of their time.",
    "export": "Write all that a store holds, or a governor, to a file that any store can import.",
    "gc": "Remove what is not needed any more, and say how much.",
    "governors": "List the governors.",
    "history": "List the changes of a state, the first one first.",
    "import": "Make what an export holds in this store, and check it.",
    "ingest": "Apply a log of status changes, each line exactly once.",
    "locks": "Show who holds which lock and who waits for it, and break one.",
    "machine": "Check, compare, draw and convert machine files.",
    "migrate": "Bring the data of states to the schema that upcasters lead to, by one event each.",
    "recover": "Repair what can be proven, and say what cannot.",
    "restore": "Put a backup in the place of a SQLite store.",
    "rollback": "Make a new version of a state with the status and data of an earlier one.",
    "sagas": "Show how far sagas have come, let them go on or turn back.",
    "serve": "Serve the store over HTTP, with a console for people, until it is told to end.",
    "show": "Show a state as it is, or as its events say that it was.",
    "snapshot": "Keep a snapshot of a state as it is now; its version stays.",
    "states": "List the states of a governor.",
    "stats": "Count and measure what a governor holds, or each of them.",
    "subscriptions": "Show who follows what has changed, how far behind, and retry what could not be delivered.",
    "sync": "Bring two stores to know and to say the same: send what is missing, and merge what both have changed.",
    "transition": "Move a state by an action of its machine.",
    "verify": "Check every state against its log, and all that is kept beside it; nothing is written.",
}
"""Every command, with what the program's help says of it."""


def load(name: str) -> click.Command:
    """Import the command *name*, one of ``COMMANDS``."""
    word = name.replace("-", "_")
    module = import_module(f"{__name__}.{word}_" if iskeyword(word) else f"{__name__}.{word}")
    if hasattr(module, "__path__"):
        module = import_module(f"{module.__name__}.command")
    command: click.Command = getattr(module, module.__name__.rpartition(".")[2] if iskeyword(word) else word)
    return command
