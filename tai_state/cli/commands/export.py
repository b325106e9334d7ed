"""``export``: a store, or a governor, as a file."""

from pathlib import Path

import click

from tai_state import Keeping, Problem, SystemClock, export_store
from tai_state.cli.program.asking import ask
from tai_state.cli.program.command import Command
from tai_state.cli.program.failures import LEFT, SOUND
from tai_state.cli.program.governors import check_governor
from tai_state.cli.program.output import note, record_of, write_list, write_one
from tai_state.cli.program.progress import StatesSeen, progressing
from tai_state.cli.program.session import Session, pass_session
from tai_state.cli.program.tables import Column
from tai_state.counts import counted

FORMATS = ("json", "msgpack")
COMPRESSIONS = ("none", "gzip", "zstd", "lz4")

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
    return governor, click.Path(path_type=Path).convert(file, parameter, context)


def keeping_of(file: Path, *, keep: int | None, form: str | None, compression: str | None) -> Keeping | None:
    """Return how exports are kept in a folder; None where *file* is none.

    Raises:
        UsageError: A file is told what its name says.
    """
    if file.is_dir():
        return Keeping(keep=keep, format=form or "json", compression=compression or "zstd")
    if (keep, form, compression) != (None, None, None):
        message = f"--keep, --format and --compression are for a folder that is there, which {file} is not"
        raise click.UsageError(message)
    return None


@click.command(
    cls=Command,
    examples=[
        "tai-state --store sqlite:///i.db export copy.jsonl.gz",
        "tai-state --store sqlite:///i.db export shop-1 shop-1.jsonl.zst",
        "tai-state --store sqlite:///i.db export copy.jsonl --yes --json",
        "tai-state --store sqlite:///i.db export . --keep 7 --compression gzip",
    ],
)
@click.argument("where", nargs=-1, metavar="[GOVERNOR] FILE|FOLDER", callback=governor_and_file)
@click.option("--keep", type=click.IntRange(min=1), metavar="N", help="In a folder: the newest N stay, older ones go.")
@click.option("--format", "form", type=click.Choice(FORMATS), help="In a folder: how lines are written; json.")
@click.option("--compression", type=click.Choice(COMPRESSIONS), help="In a folder: by what; zstd.")
@click.option("--yes", is_flag=True, help="Take the place of a file that is there, without asking.")
@pass_session
def export(
    session: Session,
    where: tuple[str | None, Path],
    *,
    keep: int | None,
    form: str | None,
    compression: str | None,
    yes: bool,
) -> int:
    """Write all that a store holds, or a governor, to a file that any store can import.

    The file holds lines of JSON, or MessagePack where its name says .msgpack; one that ends in .gz, .zst or .lz4 is
    compressed. It appears once it is whole. Writers need not be stopped: each state is written as of one moment.

    In a folder that is there the file is named by the time; once it is whole, those of the same store that are older
    than the newest N go (--keep). `import FOLDER` takes the newest sound one.

    The exit code is 1 where something could not be carried, which is listed.
    """
    governor, file = where
    keeping = keeping_of(file, keep=keep, form=form, compression=compression)
    if file.is_file() and not yes:
        ask(f"Overwrite {file}?", "it may overwrite what is there")
    with session.reading() as store, progressing(SystemClock(), "states") as progress:
        if governor is not None:
            check_governor(store, governor)
        watched = StatesSeen(progress, "exporting")
        report = export_store(store, file, governor, overwrite=True, keeping=keeping, progress=watched)
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
