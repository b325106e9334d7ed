"""``sync``: two stores brought to know, and to say, the same."""

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import click

from tai_state import StateStore, SystemClock, connect
from tai_state.cli.program.command import Command
from tai_state.cli.program.failures import LEFT, SOUND, GovernorNotFoundError
from tai_state.cli.program.output import note, put, write_list
from tai_state.cli.program.progress import StatesSeen, progressing
from tai_state.cli.program.session import Session, pass_session
from tai_state.cli.program.tables import Column
from tai_state.counts import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tai_state.causality import Resolver
    from tai_state.replicas import SyncReport

_RESOLVERS = {
    "merge-fields": "MergeFields",
    "last-write-wins": "LastWriteWins",
    "causal": "Causal",
    "highest-version": "HighestVersion",
}

_COLUMNS: "list[Column[SyncReport]]" = [
    Column("governor", lambda report: report.governor_id),
    Column("states", lambda report: report.states, is_number=True),
    Column("sent", lambda report: report.sent, is_number=True),
    Column("received", lambda report: report.received, is_number=True),
    Column("merged", lambda report: report.merged, is_number=True),
    Column("conflicts", lambda report: len(report.conflicts), is_number=True),
    Column("left", lambda report: len(report.unresolved), is_number=True),
]


@click.command(
    cls=Command,
    examples=[
        "tai-state sync sqlite:///i.db sqlite:///edge.db",
        "tai-state sync sqlite:///i.db sqlite:///edge.db --governor shop-1 --resolver last-write-wins --json",
    ],
)
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@click.option("--governor", metavar="GOVERNOR", help="The states of this governor alone.")
@click.option(
    "--resolver",
    type=click.Choice(list(_RESOLVERS)),
    default="merge-fields",
    show_default=True,
    help="Who decides where both have changed a state: the same for all replicas.",
)
@click.option(
    "--mend-branches",
    is_flag=True,
    help="Bring again what one has lost of the events that others have made, and the other has; reads all events.",
)
@pass_session
def sync(session: Session, a: str, b: str, *, governor: str | None, resolver: str, mend_branches: bool) -> int:
    """Bring two stores to know and to say the same: send what is missing, and merge what both have changed.

    A and B are URLs of stores, such as sqlite:///edge.db; B is made where there is none. No change is lost: what is in
    no line of a store stands beside it, and its merge names it. It may be stopped and run again, beside writers.

    The exit code is 1 where somebody has to decide: the two stores say different things of a state.
    """
    seen: set[str] = set()
    left = 0

    def reports() -> "Iterator[SyncReport]":
        nonlocal left
        from tai_state import replicas  # noqa: PLC0415 - `--help` waits for nothing of it

        with (
            replace(session, url=a).writing() as one,
            connect(b, **session.options) as other,
            progressing(SystemClock(), "states") as progress,
        ):
            watched = StatesSeen(progress, "syncing")
            for name in _governors(one, other) if governor is None else [governor]:
                report = replicas.sync(
                    one, other, name, resolver=_resolver(resolver), mend_branches=mend_branches, progress=watched
                )
                left += len(report.unresolved)
                if report.states:
                    seen.add(name)
                    yield report
                for conflict in () if session.as_json else report.unresolved:
                    note(f"left: state {conflict.state_id!r}, {conflict.kind}: {conflict.detail}")

    write_list(reports(), _COLUMNS, as_json=session.as_json, record=_record)
    if governor is not None and not seen:
        raise GovernorNotFoundError(governor)
    if not session.as_json:
        put(f"{counted(len(seen), 'governor')} synced; {counted(left, 'conflict')} left")
    return LEFT if left else SOUND


def _governors(one: StateStore, other: StateStore) -> list[str]:
    """Return the governors that either store has."""
    return sorted({*one.list_governors(), *other.list_governors()})


def _resolver(name: str) -> "Resolver":
    from tai_state import causality  # noqa: PLC0415 - as above

    made: Resolver = getattr(causality, _RESOLVERS[name])()
    return made


def _record(report: "SyncReport") -> dict[str, object]:
    told = asdict(report)
    for conflict in told["conflicts"]:
        conflict["at"] = None if conflict["at"] is None else conflict["at"].isoformat()
    return told
