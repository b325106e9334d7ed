"""``restore``: a backup in the place of a SQLite store."""

from functools import partial
from pathlib import Path

import click

from tai_state import SqliteStore, SystemClock
from tai_state.cli.program.asking import ask
from tai_state.cli.program.command import Command
from tai_state.cli.program.output import note, write_one
from tai_state.cli.program.progress import progressing
from tai_state.cli.program.session import Session, pass_session
from tai_state.cli.program.sqlite_only import sqlite_path


@click.command(
    cls=Command,
    examples=[
        "tai-state --store sqlite:///new.db restore i.backup",
        "tai-state --store sqlite:///i.db restore i.backup --yes --reason 'the disk was lost'",
    ],
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--set-clock", is_flag=True, help="Bring times that are later than this host's clock back to now.")
@click.option("--yes", is_flag=True, help="Take the place of a store that is there, without asking.")
@pass_session
def restore(session: Session, file: Path, *, set_clock: bool, yes: bool) -> None:
    """Put a backup in the place of a SQLite store.

    The backup is checked, and takes its place once it is whole. Nobody may have the store open: one that is in use, or
    whose process died and left a log beside it, is refused. What is restored is a store of its own, with another id,
    and the counters of its locks are raised by 2^20: no token that was given out before is valid any more.

    A store that a host with a wrong clock once opened stays ahead for good, since its clock never falls. --set-clock
    mends that, once the clock of this host is right: back it up, and restore it so.
    """
    path = sqlite_path(session)
    if Path(path).exists() and not yes:
        ask(f"Replace the store {path}?", "it may replace the store that is there")
    with session.waiting(), progressing(SystemClock(), "pages") as progress:
        watched = partial(progress, "copying")
        size = SqliteStore.restore(
            file, path, overwrite=True, set_clock=set_clock, actor=session.actor, progress=watched
        )
    record = {"store": path, "file": str(file), "bytes": size}
    write_one({**record, "bytes": f"{size:,}"}, as_json=session.as_json, record=record)
    note("`tai-state verify` tells whether it is sound")
