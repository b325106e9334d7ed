"""``stats``: how much a governor holds, and what it costs, or each of them."""

from collections.abc import Callable, Iterator, Mapping

import click

from tai_state import StateStore, StoreStats, StoreUsage, SystemClock
from tai_state.cli.program.command import Command
from tai_state.cli.program.failures import GovernorNotFoundError
from tai_state.cli.program.output import moment, note, record_of, write_list, write_one
from tai_state.cli.program.progress import Progress, progressing
from tai_state.cli.program.session import Session, pass_session
from tai_state.cli.program.tables import Column
from tai_state.counts import counted

_BUSIEST = 3

_STATS_COLUMNS: list[Column[StoreStats]] = [
    Column("governor", lambda found: found.governor_id),
    Column("states", lambda found: found.states, is_number=True),
    Column("deleted", lambda found: found.deleted, is_number=True),
    Column("events", lambda found: found.events, is_number=True),
    Column("versions", lambda found: found.versions, is_number=True),
    Column("highest", lambda found: found.highest_version, is_number=True),
]
_ENDING: list[Column[StoreStats]] = [
    Column("busiest", lambda found: _listed(dict(list(found.busiest.items())[:_BUSIEST])), is_first_to_go=True),
    Column("by status", lambda found: _listed(found.by_status)),
]


def _of_stats(column: Column[StoreStats]) -> Column[StoreUsage]:
    return Column(
        column.title,
        lambda found: column.cell(found.stats),
        is_number=column.is_number,
        is_first_to_go=column.is_first_to_go,
    )


_USAGE_COLUMNS: list[Column[StoreUsage]] = [
    *map(_of_stats, _STATS_COLUMNS),
    Column("bytes", lambda found: found.bytes, is_number=True),
    Column("a month", lambda found: _rounded(found.changes_a_month)),
    Column("reads", lambda found: _rounded(found.reads_a_month)),
    Column("writes", lambda found: _rounded(found.writes_a_month)),
    *map(_of_stats, _ENDING),
]


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name or '-'} {count:,}" for name, count in counts.items())


def _rounded(number: float | None) -> str:
    return "" if number is None else f"{round(number):,}"


def _as_json(found: StoreUsage) -> dict[str, object]:
    told = {name: value for name, value in record_of(found).items() if name != "stats"}
    documents = {kind: record_of(count) for kind, count in found.documents.items()}
    return {**record_of(found.stats), **told, "documents": documents, "bytes": found.bytes}


@click.command(
    cls=Command,
    examples=[
        "tai-state --store sqlite:///i.db stats",
        "tai-state --store sqlite:///i.db stats shop-1",
        "tai-state --store sqlite:///i.db stats shop-1 --quick",
    ],
)
@click.argument("governor", required=False)
@click.option("--quick", is_flag=True, help="Read the states alone: without sizes, other documents, and costs.")
@pass_session
def stats(session: Session, governor: str | None, *, quick: bool) -> None:
    """Count and measure what a governor holds, or each of them.

    Told are its states, events and versions, the states that changed most often, the documents of each kind with
    their bytes, and what a month costs where documents are billed: the reads and writes of as many changes as there
    were in the 30 days up to the last one. Every document is read for it; with --quick the states alone.
    """
    with session.reading() as store, progressing(SystemClock(), "documents") as progress:
        seen = _Counted(progress)
        found_any = _write_quick(session, store, governor) if quick else _write(session, store, governor, seen)
    if not found_any:
        if governor is not None:
            raise GovernorNotFoundError(governor)
        note("the store has no governors")
    if seen.read:
        note(f"{counted(seen.read, 'document')} read")


class _Counted:
    """Counts the documents that are read, of all governors."""

    def __init__(self, progress: Progress) -> None:
        self.read = 0
        self._progress = progress

    def of_one(self) -> Callable[[int], None]:
        """Return what is told how many documents of one governor were read."""
        before = self.read

        def on_read(count: int) -> None:
            self.read = before + count
            self._progress("reading", self.read, None)

        return on_read


def _write_quick(session: Session, store: StateStore, governor: str | None) -> bool:
    columns = [*_STATS_COLUMNS, *_ENDING]
    if governor is None:
        rows = map(store.stats, store.list_governors())
        return bool(write_list(rows, columns, as_json=session.as_json, record=record_of))
    found = store.stats(governor)
    if not found.states + found.deleted + len(found.damaged):
        return False
    fields = {column.title: column.cell(found) for column in columns}
    write_one(fields, as_json=session.as_json, record=record_of(found))
    return True


def _write(session: Session, store: StateStore, governor: str | None, seen: _Counted) -> bool:
    if governor is None:
        rows = _each(store, seen)
        return bool(write_list(rows, _USAGE_COLUMNS, as_json=session.as_json, record=_as_json))
    found = store.usage(governor, progress=seen.of_one())
    if not any(kind.count for kind in found.documents.values()):
        return False
    write_one(_fields_of(found), as_json=session.as_json, record=_as_json(found))
    return True


def _each(store: StateStore, seen: _Counted) -> Iterator[StoreUsage]:
    for governor in store.list_governors():
        yield store.usage(governor, progress=seen.of_one())


def _fields_of(found: StoreUsage) -> dict[str, object]:
    states = found.stats
    kinds = {kind: count for kind, count in found.documents.items() if count.count}
    widths = [max(len(f"{getattr(count, name):,}") for count in kinds.values()) for name in ("count", "bytes")]
    documents = "\n".join(
        f"{kind:10} {count.count:>{widths[0]},}  {count.bytes:>{widths[1]},} bytes" for kind, count in kinds.items()
    )
    fields: dict[str, object] = {column.title: column.cell(states) for column in _STATS_COLUMNS}
    rate = _rounded(found.changes_a_month)
    return {
        **fields,
        "by status": _listed(states.by_status),
        "by machine": _listed(states.by_machine),
        "busiest": _listed(states.busiest),
        "documents": documents,
        "bytes": f"{found.bytes:,}",
        "first": moment(found.first_change) if found.first_change is not None else None,
        "last": moment(found.last_change) if found.last_change is not None else None,
        "a month": f"{rate} changes, at the rate of the 30 days up to the last one" if rate else None,
        "billed": f"{_rounded(found.reads_a_month)} reads, {_rounded(found.writes_a_month)} writes" if rate else None,
    }
