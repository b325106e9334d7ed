"""What the commands of ``adopt`` share: options, the run, and what is told behind it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

import click

from tai_state.cli.program.failures import LEFT, SOUND, InterruptedWorkError, StoppedWorkError
from tai_state.cli.program.operating import MACHINE_HELP, known_machine
from tai_state.cli.program.output import note, write_list, write_one
from tai_state.cli.program.progress import progressing
from tai_state.cli.program.session import Session
from tai_state.cli.program.tables import Column
from tai_state.counts import counted
from tai_state.errors import StoreMissingError, TaiStateError

if TYPE_CHECKING:
    from tai_state import StateStore
    from tai_state.adoption import AdoptionFinding, AdoptionReport, Shape, Source

FC = TypeVar("FC", bound="Callable[..., Any] | click.Command")


class Asked(TypedDict):
    """What every command of the group takes."""

    status_field: str
    id_field: str | None
    governor_id: str | None
    governor_field: str | None
    machine: str | None
    dry_run: bool
    history: str | None
    history_status_field: str | None
    history_time_field: str
    history_action_field: str
    history_actor_field: str
    history_data_field: str


def asked_options() -> Callable[[FC], FC]:
    """Return the options of every command of the group."""
    options = [
        click.option("--status-field", required=True, metavar="FIELD", help="The field that is the status."),
        click.option("--id-field", metavar="FIELD", help="The field that is the state's id."),
        click.option("--governor", "governor_id", metavar="GOVERNOR", help="Whose states they are."),
        click.option("--governor-field", metavar="FIELD", help="The field that says whose state it is."),
        click.option("--machine", metavar="FILE|MODULE:NAME", help=f"{MACHINE_HELP} Refuse what it does not know."),
        click.option("--dry-run", is_flag=True, help="Write nothing; count what would be adopted."),
        click.option("--history", metavar="NAME", help="Where its earlier moves are: they become events before it."),
        click.option("--history-status-field", metavar="FIELD", help="Of a move: the status; else called as its own."),
        _named("--history-time-field", "at", "when"),
        _named("--history-action-field", "action", "what was done; where it is missing, the status"),
        _named("--history-actor-field", "actor", "who did it"),
        _named("--history-data-field", "data", "what the data was then"),
    ]

    def add(command: FC) -> FC:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def _named(option: str, default: str, what: str) -> Callable[[FC], FC]:
    return click.option(option, metavar="FIELD", default=default, show_default=True, help=f"Of a move: {what}.")


def run_adoption(
    session: Session, source_of: "Callable[[], Source]", asked: Asked, *, key_field: str | None = None
) -> int:
    """Adopt, tell what was done, and return the exit code."""
    from tai_state import SystemClock  # noqa: PLC0415 - here and below: `--help` waits for nothing of the library
    from tai_state.adoption import adopt  # noqa: PLC0415

    named = asked["machine"]
    machine = None if named is None else known_machine(named, "rows are held against the statuses of a machine")
    shape, source = _shape_of(asked, key_field), source_of()
    rows = 0
    try:
        with _store_of(session, dry_run=asked["dry_run"]) as store, progressing(SystemClock(), "rows") as progress:

            def told(doing: str, done: int) -> None:
                nonlocal rows
                rows = done
                progress(doing, done, None)

            report = adopt(store, source, shape, machine=machine, dry_run=asked["dry_run"], progress=told)
    except KeyboardInterrupt as error:
        raise InterruptedWorkError(f"interrupted{_how_far(rows)}") from error
    except TaiStateError as error:
        raise StoppedWorkError(error, _how_far(rows), {"rows": rows}) from error
    _tell(session, report)
    return SOUND if report.is_sound and not (report.is_dry_run and report.adopted) else LEFT


def _how_far(rows: int) -> str:
    if not rows:
        return ""
    return f"; {counted(rows, 'row')} were looked at, and what is adopted stays: run the same command again to go on"


def _shape_of(asked: Asked, key_field: str | None) -> "Shape":
    from tai_state.adoption import EarlierMoves, Shape  # noqa: PLC0415

    history = None
    if asked["history"] is not None:
        history = EarlierMoves(
            asked["history"],
            key_field=key_field,
            status_field=asked["history_status_field"],
            time_field=asked["history_time_field"],
            action_field=asked["history_action_field"],
            actor_field=asked["history_actor_field"],
            data_field=asked["history_data_field"],
        )
    elif key_field is not None:
        message = "--history-key says how the documents of --history name theirs: give that, too"
        raise click.UsageError(message)
    return Shape(asked["status_field"], asked["id_field"], asked["governor_id"], asked["governor_field"], history)


@contextmanager
def _store_of(session: Session, *, dry_run: bool) -> "Iterator[StateStore]":
    """Open the store; of a dry run to read, and an empty one where there is none yet."""
    from tai_state import MemoryStore, connect  # noqa: PLC0415

    if not dry_run:
        with session.waiting(), connect(session.place, **session.options) as store:
            yield store
        return
    with ExitStack() as stack:
        try:
            store = stack.enter_context(session.reading())
        except StoreMissingError:
            store = stack.enter_context(MemoryStore())
        yield store


_COLUMNS: "list[Column[AdoptionFinding]]" = [
    Column("where", lambda one: one.place),
    Column("kind", lambda one: one.kind, is_whole=True),
    Column("field", lambda one: one.field),
    Column("what", lambda one: one.message),
]


def _tell(session: Session, report: "AdoptionReport") -> None:
    would = "would be " if report.is_dry_run else ""
    fields = {
        "source": report.source,
        "rows": f"{report.rows:,}",
        f"{would}adopted": f"{report.adopted:,}",
        "resumed": f"behind row {report.resumed_behind:,}" if report.resumed_behind else "",
        "earlier moves": f"{report.earlier_moves:,}" if report.earlier_moves else "",
        "verified": f"{report.verified:,}",
        "moved on since": f"{report.moved_on:,}" if report.moved_on else "",
        "in other words": f"{counted(report.converted, 'value')} that a store does not take"
        if report.converted
        else "",
    }
    fields |= {str(kind): f"{count:,}" for kind, count in sorted(report.counts.items())}
    record = {**asdict(report), "counts": dict(report.counts), "is_sound": report.is_sound}
    write_one(fields, as_json=session.as_json, record=record)
    if not session.as_json and report.findings:
        write_list(report.findings, _COLUMNS, as_json=False, record=lambda one: one)
        if (more := report.counts.total() - len(report.findings)) > 0:
            note(f"and {more:,} more")
