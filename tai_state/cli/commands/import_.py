"""``import``: what an export holds, made anew in a store."""

import click

from tai_state import ConsistencyReport, ImportReport, Problem, SystemClock, TaiStateError, connect, import_store
from tai_state.cli.program.command import Command
from tai_state.cli.program.failures import LEFT, SOUND, InterruptedWorkError, StoppedWorkError
from tai_state.cli.program.output import note, record_of, write_list, write_one
from tai_state.cli.program.progress import progressing
from tai_state.cli.program.session import Session, pass_session
from tai_state.cli.program.tables import Column
from tai_state.cli.program.waiting import answered

Found = tuple[str, Problem]

_FINDINGS: list[Column[Found]] = [
    Column("governor", lambda row: row[0]),
    Column("state", lambda row: row[1].state_id),
    Column("version", lambda row: "" if row[1].version is None else row[1].version),
    Column("kind", lambda row: row[1].kind, is_whole=True),
    Column("what", lambda row: row[1].message),
]


@click.command(
    "import",
    cls=Command,
    examples=[
        "tai-state --store sqlite:///copy.db import export.jsonl.gz",
        "tai-state --store sqlite:///copy.db import export.jsonl.gz --json",
    ],
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, readable=True))
@pass_session
def import_(session: Session, file: str) -> int:
    """Make what an export holds in this store, and check it.

    Stopped or killed at any point and run again, it goes on from there: what is there with the same history is passed
    over. A state that is there with another history is named, and nothing of it is changed. The counter of every lock
    is raised by 2^20, so that no token that was given out before is valid any more. Nobody should work on the states of
    the file meanwhile.

    Every governor of the file is checked behind its import, as by verify; the exit code is 1 where something was found.
    """
    count = 0
    try:
        with (
            session.waiting(),
            connect(session.url, **session.options) as store,
            progressing(SystemClock(), "states imported and checked") as progress,
        ):

            def on_state(_: str, __: str) -> None:
                nonlocal count
                count += 1
                answered()
                progress("importing", count, None)

            report = import_store(store, file, progress=on_state)
    except KeyboardInterrupt as error:
        raise InterruptedWorkError(f"interrupted{_how_far(count)}") from error
    except TaiStateError as error:
        raise StoppedWorkError(error, _how_far(count), {"states": count}) from error
    return _tell(session, report)


def _how_far(count: int) -> str:
    return f"; {count:,} states were reached, and what is there stays: an import goes on from there" if count else ""


def _tell(session: Session, report: ImportReport) -> int:
    fields = {
        "file": report.file,
        "governors": f"{report.governors:,}",
        "states": f"{report.states:,}",
        "events": f"{report.events:,}",
        "documents": f"{report.documents:,}: {report.written:,} written, {report.present:,} there already",
    }
    reports = [{**record_of(one), "problems": [record_of(each) for each in one.problems]} for one in report.reports]
    write_one(fields, as_json=session.as_json, record={**record_of(report), "reports": reports})
    if not session.as_json:
        write_list(_rows(report.reports), _FINDINGS, as_json=False, record=lambda row: row)
    found = sum(len(one.problems) + one.omitted for one in report.reports)
    note(f"the check behind the import: {f'{found:,} found' if found else 'nothing found'}")
    return SOUND if report.is_sound else LEFT


def _rows(reports: list[ConsistencyReport]) -> list[Found]:
    return [(report.governor_id, problem) for report in reports for problem in report.problems]
