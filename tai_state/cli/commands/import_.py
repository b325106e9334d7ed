"""``import``: what an export holds, made anew in a store."""

import click

from tai_state import ImportReport, SystemClock, TaiStateError, connect, import_store
from tai_state.cli.program.command import Command
from tai_state.cli.program.failures import LEFT, SOUND, InterruptedWorkError, StoppedWorkError
from tai_state.cli.program.output import note, record_of, write_list, write_one
from tai_state.cli.program.problems import PROBLEM_COLUMNS, problem_rows
from tai_state.cli.program.progress import StatesSeen, progressing
from tai_state.cli.program.session import Session, pass_session


@click.command(
    "import",
    cls=Command,
    examples=[
        "tai-state --store sqlite:///copy.db import export.jsonl.gz",
        "tai-state --store sqlite:///copy.db import export.jsonl.gz --json",
    ],
)
@click.argument("file", metavar="FILE|FOLDER", type=click.Path(exists=True, readable=True))
@pass_session
def import_(session: Session, file: str) -> int:
    """Make what an export holds in this store, and check it.

    Stopped or killed at any point and run again, it goes on from there: what is there with the same history is passed
    over. A state that is there with another history is named, and nothing of it is changed. The counter of every lock
    is raised by 2^20, so that no token that was given out before is valid any more. Nobody should work on the states of
    the file meanwhile.

    Of a folder of exports the newest sound one is taken: each is read to its end first, and those that are not sound
    are named.

    Every governor of the file is checked behind its import, as by verify; the exit code is 1 where something was found.
    """
    seen: StatesSeen | None = None
    try:
        with (
            session.waiting(),
            connect(session.place, **session.options) as store,
            progressing(SystemClock(), "states imported and checked") as progress,
        ):
            seen = StatesSeen(progress, "importing")
            report = import_store(store, file, progress=seen)
    except KeyboardInterrupt as error:
        raise InterruptedWorkError(f"interrupted{_how_far(seen)}") from error
    except TaiStateError as error:
        raise StoppedWorkError(error, _how_far(seen), {"states": seen.count if seen else 0}) from error
    return _tell(session, report)


def _how_far(seen: StatesSeen | None) -> str:
    if seen is None or not seen.count:
        return ""
    return f"; {seen.count:,} states were reached, and what is there stays: an import goes on from there"


def _tell(session: Session, report: ImportReport) -> int:
    fields = {
        "file": report.file,
        "governors": f"{report.governors:,}",
        "states": f"{report.states:,}",
        "events": f"{report.events:,}",
        "documents": f"{report.documents:,}: {report.written:,} written, {report.present:,} there already",
    }
    write_one(fields, as_json=session.as_json, record=record_of(report))
    for wrong in report.passed_over:
        note(f"passed over: {wrong}")
    if not session.as_json:
        write_list(problem_rows(report.reports), PROBLEM_COLUMNS, as_json=False, record=lambda row: row)
    found = sum(len(one.problems) + one.omitted for one in report.reports)
    note(f"the check behind the import: {f'{found:,} found' if found else 'nothing found'}")
    return SOUND if report.is_sound else LEFT
