"""``export``: a store, or a governor, as a file."""

from pathlib import Path

import click

from tai_state import Problem, SystemClock, export_store
from tai_state.cli.program.asking import ask
from tai_state.cli.program.command import Command
from tai_state.cli.program.failures import LEFT, SOUND
from tai_state.cli.program.governors import check_governor
from tai_state.cli.program.output import note, record_of, write_list, write_one
from tai_state.cli.program.progress import StatesSeen, progressing
from tai_state.cli.program.session import Session, pass_session
from tai_state.cli.program.tables import Column
from tai_state.counts import counted

_LEFT_OUT: list[Column[Problem]] = [
    Column("left out", lambda problem: problem.path),
    Column("why", lambda problem: problem.message),
]


def governor_and_file(
    context: click.Context, parameter: click.Parameter, value: tuple[str, ...]
) -> tuple[str | None, Path]:
    """Return what the arguments name: click itself gives the first to what stands first, wanted or not."""
    *before, file = value or ("",)
    if not file or len(before) > 1:
        message = "one file, with a governor before it where not all of them are meant"
        raise click.UsageError(message, context)
    governor = before[0] if before else None
    return governor, click.Path(dir_okay=False, path_type=Path).convert(file, parameter, context)


@click.command(
    cls=Command,
    examples=[
        "tai-state --store sqlite:///i.db export copy.jsonl.gz",
        "tai-state --store sqlite:///i.db export shop-1 shop-1.jsonl.zst",
        "tai-state --store sqlite:///i.db export copy.jsonl --yes --json",
    ],
)
@click.argument("where", nargs=-1, metavar="[GOVERNOR] FILE", callback=governor_and_file)
@click.option("--yes", is_flag=True, help="Take the place of a file that is there, without asking.")
@pass_session
def export(session: Session, where: tuple[str | None, Path], *, yes: bool) -> int:
    """Write all that a store holds, or a governor, to a file that any store can import.

    The file holds lines of JSON; one whose name ends in .gz or .zst is compressed. It appears once it is whole. Writers
    need not be stopped: each state is written as of one moment.

    The exit code is 1 where something could not be carried, which is listed.
    """
    governor, file = where
    if file.exists() and not yes:
        ask(f"Overwrite {file}?", "it may overwrite what is there")
    with session.reading() as store, progressing(SystemClock(), "states") as progress:
        if governor is not None:
            check_governor(store, governor)
        watched = StatesSeen(progress, "exporting")
        report = export_store(store, file, governor, overwrite=True, progress=watched)
    fields = {
        "file": report.file,
        "governors": f"{report.governors:,}",
        "states": f"{report.states:,}",
        "events": f"{report.events:,}",
        "documents": f"{report.documents:,}",
    }
    write_one(fields, as_json=session.as_json, record=record_of(report))
    if report.is_whole:
        return SOUND
    if not session.as_json:
        write_list(report.left_out, _LEFT_OUT, as_json=False, record=record_of)
    note(f"{counted(len(report.left_out) + report.omitted, 'document')} could not be carried")
    return LEFT
