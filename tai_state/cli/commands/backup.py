"""``backup``: a live SQLite store as a file."""

from functools import partial
from pathlib import Path

import click

from tai_state import SqliteStore, SystemClock
from tai_state.cli.program.asking import ask
from tai_state.cli.program.command import Command
from tai_state.cli.program.output import write_one
from tai_state.cli.program.progress import progressing
from tai_state.cli.program.session import Session, pass_session
from tai_state.cli.program.sqlite_only import sqlite_path


@click.command(
    cls=Command,
    examples=[
        "tai-state --store sqlite:///i.db backup i.backup",
        "tai-state --store sqlite:///i.db backup i.backup --yes --json",
    ],
)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Take the place of a file that is there, without asking.")
@pass_session
def backup(session: Session, file: Path, *, yes: bool) -> None:
    """Copy a live SQLite store to a file.

    By SQLite's online backup: whoever writes goes on, and the copy is the store as it was at one moment. It is checked,
    and appears once it is whole. A plain copy of a file that is open lacks what is in the log beside it.
    """
    sqlite_path(session)
    if file.exists() and not yes:
        ask(f"Overwrite {file}?", "it may overwrite what is there")
    with session.reading() as store, progressing(SystemClock(), "pages") as progress:
        assert isinstance(store, SqliteStore)
        size = store.backup(file, overwrite=True, progress=partial(progress, "copying"))
    fields = {"file": str(file), "bytes": f"{size:,}"}
    write_one(fields, as_json=session.as_json, record={"file": str(file), "bytes": size})
