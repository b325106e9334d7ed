"""``gc``: remove what is not needed any more."""

from dataclasses import replace
from datetime import timedelta

import click

from tai_state import GcReport, HistoryPolicy, StateMachinePersister, SystemClock
from tai_state.cli.program.asking import ask
from tai_state.cli.program.command import Command
from tai_state.cli.program.failures import LEFT, SOUND, GovernorNotFoundError
from tai_state.cli.program.operating import by_hand
from tai_state.cli.program.output import note, record_of, write_one
from tai_state.cli.program.progress import StatesSeen, progressing
from tai_state.cli.program.session import Session, pass_session
from tai_state.counts import counted

_DAYS = click.FloatRange(min=0, max=36_525)


@click.command(
    cls=Command,
    examples=[
        "tai-state --store sqlite:///i.db gc --dry-run",
        "tai-state --store sqlite:///i.db gc shop-1 --compact-after 30 --yes",
        "tai-state --store sqlite:///i.db gc shop-1 --max-age 365 --max-events 10000 --yes",
    ],
)
@click.argument("governor", required=False)
@click.option("--compact-after", type=_DAYS, metavar="DAYS", help="Keep older sealed events in their segments alone.")
@click.option("--max-age", type=_DAYS, metavar="DAYS", help="Trim events that are older: they are gone for good.")
@click.option("--max-events", type=click.IntRange(min=1), metavar="N", help="Trim all but the newest N of each state.")
@click.option("--snapshots", type=click.IntRange(min=1), metavar="N", help="Keep the newest N snapshots of each state.")
@click.option("--dry-run", is_flag=True, help="Write nothing; count what would go.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_session
def gc(
    session: Session,
    governor: str | None,
    *,
    compact_after: float | None,
    max_age: float | None,
    max_events: int | None,
    snapshots: int | None,
    dry_run: bool,
    yes: bool,
) -> int:
    """Remove what is not needed any more, and say how much.

    Receipts, records of transactions and waits that have expired, and what an earlier run has left. Full runs of events
    that are in no segment yet, as of states that transactions alone change, are sealed. Histories lose only what the
    options say, and never the newest event, what a rebuild needs, or an event that a live receipt names. It
    may be stopped and run again, beside writers.

    The exit code is 1 where a state was left alone since something of it is damaged, or where a dry run would remove
    something.
    """
    policy = HistoryPolicy(max_age=_span(max_age), max_events=max_events, compact_after=_span(compact_after))
    if not (dry_run or yes):
        where = f"of governor {governor!r}" if governor is not None else "of the store"
        ask(f"Remove what is not needed any more {where}?", "it may write, or --dry-run that it may not")
    # Sealing removes nothing, whatever the service keeps.
    config = replace(by_hand(), segment_events=session.settings.persistence.segment_events)
    if snapshots is not None:
        config = replace(config, snapshot_retention=snapshots)
    with session.opened(dry_run=dry_run) as store, progressing(SystemClock(), "states") as progress:
        persister = StateMachinePersister(store, config=config)
        report = persister.gc(governor, history=policy, dry_run=dry_run, progress=StatesSeen(progress, "looking"))
    if governor is not None and not (report.states or report.documents):
        raise GovernorNotFoundError(governor)
    _write(report, as_json=session.as_json)
    return LEFT if report.left or (dry_run and report.documents) else SOUND


def _span(days: float | None) -> timedelta | None:
    return None if days is None else timedelta(days=days)


def _write(report: GcReport, *, as_json: bool) -> None:
    done = "would be removed" if report.is_dry_run else "removed"
    kinds = ("events", "segments", "snapshots", "receipts", "transactions", "waits")
    counts = {kind: f"{count:,}" for kind in kinds if (count := getattr(report, kind))}
    fields = {
        "states looked at": f"{report.states:,}",
        "histories trimmed": f"{report.trimmed:,}" if report.trimmed else "",
        "events sealed": f"{report.sealed:,}" if report.sealed else "",
        **counts,
        done: f"{counted(report.documents, 'document')}, about {report.bytes:,} bytes",
    }
    record = {**record_of(report), "documents": report.documents}
    write_one(fields, as_json=as_json, record=record)
    if not as_json:
        for problem in report.left:
            note(f"left alone: state {problem.state_id!r}: {problem.message}")
