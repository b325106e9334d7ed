"""``ingest``: what a user sees of it, from the arguments to the summary."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path

import click

from tai_state import SystemClock, async_connect
from tai_state.cli.commands.ingest.applying import Applier, Counts, Numbered, numbered
from tai_state.cli.commands.ingest.checking import Reading, Totals, check_log
from tai_state.cli.commands.ingest.moves import AllowedMoves
from tai_state.cli.commands.ingest.source import Source
from tai_state.cli.program.command import Command
from tai_state.cli.program.failures import InterruptedWorkError, StoppedWorkError
from tai_state.cli.program.machine_file import MACHINE_FILE, read_machine
from tai_state.cli.program.options import time_zone
from tai_state.cli.program.output import write_one
from tai_state.cli.program.progress import progressing
from tai_state.cli.program.session import Session, pass_session
from tai_state.errors import TaiStateError
from tai_state.urls import parse_url

# One file takes all that waits in one flush, and more in flight is only more memory; a server is not to be flooded.
_IN_FLIGHT = {"sqlite": 64, "memory": 64, "firestore": 16, "redis": 32}


@click.command(
    cls=Command,
    examples=[
        "tai-state --store sqlite:///i.db ingest incidents.jsonl.gz",
        "tai-state --store sqlite:///i.db ingest incidents.jsonl.gz --machine incident.json",
        "tai-state --store sqlite:///i.db ingest incidents.jsonl.gz --timezone Europe/Berlin --allow-unordered",
    ],
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, readable=True, allow_dash=True))
@click.option("--machine", "machine_file", type=MACHINE_FILE, help="Refuse what this machine file does not allow.")
@click.option(
    "--timezone",
    "zone",
    callback=time_zone,
    metavar="ZONE",
    help="Whose time it is where a line's has no offset: a name, such as Europe/Berlin, or an offset, such as +02:00.",
)
@click.option(
    "--allow-unordered",
    "is_unordered",
    is_flag=True,
    help="Take times that run back or lie ahead: each change keeps its line's as occurred_at, and is written now.",
)
@pass_session
def ingest(session: Session, file: str, machine_file: Path | None, zone: tzinfo | None, *, is_unordered: bool) -> None:
    """Apply a log of status changes, each line exactly once.

    FILE holds JSON lines, plain or gzip; - is standard input. A line has at, governor, machine, from, to, actor,
    data and maybe action. The nth line of a machine becomes its version n; the line's actor is its author.

    The whole log is checked before anything is written. Stopped or killed at any point and run again, it goes on
    from there: lines that the store has are compared and skipped, and another change at a line's version
    is a conflict.
    """
    moves = AllowedMoves(read_machine(machine_file)) if machine_file is not None else None
    reading = Reading(zone, is_ordered=not is_unordered)
    clock = SystemClock()
    began = clock.monotonic()
    counts, totals = Counts(), None
    try:
        with Source(file) as source, progressing(clock, "lines") as progress:
            totals = check_log(source, moves, lambda lines: progress("checking", lines, None), reading)
            log_lines = totals.lines

            def on_progress() -> None:
                progress("applying", counts.done, log_lines)

            with session.waiting():
                asyncio.run(
                    _apply(session, numbered(source, reading), counts, on_progress, is_ordered=reading.is_ordered)
                )
    except KeyboardInterrupt as error:
        raise InterruptedWorkError(f"interrupted{_how_far(counts, totals)}") from error
    except TaiStateError as error:
        if totals is None:
            raise
        raise StoppedWorkError(error, _how_far(counts, totals), _numbers(totals, counts)) from error
    _write_summary(Summary(source.name, totals, counts, clock.monotonic() - began), session)


def _how_far(counts: Counts, totals: Totals | None) -> str:
    if totals is None:
        return " while the log was checked; nothing was written"
    return (
        f"; {counts.done:,} of {totals.lines:,} lines are known to be in the store; run the same command again to go on"
    )


def _numbers(totals: Totals, counts: Counts) -> dict[str, object]:
    """Return what the log holds, and how much of it is in the store for certain."""
    return {
        "lines": totals.lines,
        "machines": totals.machines,
        "applied": counts.applied,
        "already_there": counts.already_there,
    }


async def _apply(
    session: Session, lines: Iterator[Numbered], counts: Counts, on_progress: Callable[[], None], *, is_ordered: bool
) -> None:
    async with async_connect(session.place, **session.options) as store:
        in_flight = _IN_FLIGHT[parse_url(session.place).scheme]
        applier = Applier(store, in_flight=in_flight, counts=counts, is_ordered=is_ordered)
        await applier.apply(lines, on_progress)


@dataclass(frozen=True, slots=True)
class Summary:
    """What an ingest did."""

    name: str
    totals: Totals
    counts: Counts
    seconds: float

    @property
    def lines_per_second(self) -> float:
        """Lines checked and settled per second."""
        return self.totals.lines / self.seconds if self.seconds else 0.0


def _write_summary(summary: Summary, session: Session) -> None:
    totals, counts = summary.totals, summary.counts
    record = {
        "file": summary.name,
        **_numbers(totals, counts),
        "seconds": round(summary.seconds, 3),
        "lines_per_second": round(summary.lines_per_second, 1),
    }
    fields = {
        "log": summary.name,
        "lines": f"{totals.lines:,} of {totals.machines:,} machines",
        "applied": f"{counts.applied:,}",
        "already there": f"{counts.already_there:,}",
        "seconds": f"{summary.seconds:,.1f}, {summary.lines_per_second:,.0f} lines/s",
    }
    write_one(fields, as_json=session.as_json, record=record)
