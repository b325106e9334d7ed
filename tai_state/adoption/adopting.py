"""An adoption: every row once into the store, then every row held against its state."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from tai_state import ConfigurationError, Machine, StateSnapshot, StateStore
from tai_state.adoption.judging import standing_of
from tai_state.adoption.marks import Progress, ProgressMark
from tai_state.adoption.report import AdoptionFinding, AdoptionReport
from tai_state.adoption.rows import Mark, Row, Source
from tai_state.adoption.shape import Candidate, RefusedRowError, Shape, candidate_of
from tai_state.adoption.writing import Writer

PAGE_ROWS = 500
"""How many rows are in memory at a time, at most."""

PAGE_BYTES = 16_000_000
"""At which size a page of rows ends before that."""

_FAILED_MAX = 50
"""Of how many rows that the store did not take it is kept what it said."""

Told = Callable[[str, int], None]
"""Told what is being done, and with how many rows it is done."""


class _Read(NamedTuple):
    """A row, or why it is refused: of such a one nothing more is held, however large it is."""

    mark: Mark
    converted: int
    outcome: Candidate | AdoptionFinding


def adopt(
    store: StateStore,
    source: Source,
    shape: Shape,
    *,
    machine: Machine[Any] | None = None,
    dry_run: bool = False,
    progress: Told | None = None,
) -> AdoptionReport:
    """Make a state of each row of *source*, and hold every row against its state.

    A state begins with an event of the action ``adopt`` that names the source, with the status and the rest of the
    fields as data; its earlier moves, where the shape says where they are, are events before that one, in the same
    commit. No machine has moved it yet. The source is only read.

    It may be killed at any point and called again: it goes on behind the last page that it finished, and what it wrote
    is not written twice. Run again behind its end it looks at every row anew: those that are adopted stay as they are,
    also where the source has changed, and new ones are adopted. Live writers of the states disturb nothing.

    It holds a page of rows in memory.

    Args:
        machine: Whose statuses the rows must have, and whose ``data_type`` their data must fit.
        dry_run: Write nothing, and tell what would be done.
        progress: Called behind each page.

    Raises:
        ConfigurationError: The source is not what it should be, nobody says whose the states are, or *machine* is none.
        StoreError: The source or the store failed; what was written stays.
    """
    given: object = machine
    if not isinstance(given, Machine | None):
        message = f"rows are held against the statuses of a machine: give a Machine, not {type(given).__name__}"
        raise ConfigurationError(message)
    shape = _completed(shape, source)
    history = None if shape.history is None else shape.history.place

    def pages(behind: Mark | None) -> Iterator[list[_Read]]:
        return _pages(_read(row, shape, machine) for row in source.rows(behind, history=history))

    run = _Run(store, AdoptionReport(source.name, is_dry_run=dry_run), progress or (lambda _doing, _rows: None))
    if dry_run:
        run.check(pages(None), {})
        return run.report
    mark = ProgressMark(store, source, shape)
    state = mark.load()
    run.report.resumed_behind = state.rows
    if not state.has_read_all:
        run.bring(pages(state.after), mark, state, Writer(store, machine))
    run.check(pages(None), state.failed)
    mark.clear()
    return run.report


def _completed(shape: Shape, source: Source) -> Shape:
    """Return *shape* with what the source knows by itself.

    Raises:
        ConfigurationError: Nobody knows it.
    """
    governor = shape.governor or (None if shape.governor_field else source.governor)
    if governor is None and shape.governor_field is None:
        message = f"{source.name}: governor says whose the states are, or governor_field which field does"
        raise ConfigurationError(message)
    return Shape(shape.status_field, shape.id_field or source.id_field, governor, shape.governor_field, shape.history)


@dataclass(frozen=True, slots=True)
class _Run:
    store: StateStore
    report: AdoptionReport
    done: Told

    def bring(self, pages: Iterable[list[_Read]], mark: ProgressMark, state: Progress, writer: Writer) -> None:
        """Write the rows that have no state, and keep behind each page how far that came."""
        for page in pages:
            writer.write(_candidates(page))
            state.after, state.rows = page[-1].mark, state.rows + len(page)
            state.failed |= dict(islice(writer.failed.items(), _FAILED_MAX - len(state.failed)))
            writer.failed.clear()
            mark.save(state)
            self.report.adopted, self.report.earlier_moves = writer.adopted, writer.earlier_moves
            self.done("adopting", state.rows)
        state.has_read_all = True
        mark.save(state)

    def check(self, pages: Iterable[list[_Read]], failed: dict[str, str]) -> None:
        """Hold every row against its state; of a dry run, one without is one that would be adopted."""
        for page in pages:
            # Two rows of one id are noticed by a dry run where they are in one page: of more it holds none.
            seen: set[tuple[str, str]] = set()
            there = _standing(self.store, _candidates(page))
            for _, converted, outcome in page:
                self.report.rows += 1
                self.report.converted += converted
                if isinstance(outcome, AdoptionFinding):
                    self.report.add(outcome)
                    continue
                key = (outcome.governor_id, outcome.state_id)
                if (snapshot := there.get(key)) is not None:
                    self._judge(outcome, snapshot)
                elif self.report.is_dry_run:
                    self._count(outcome, is_second=key in seen)
                    seen.add(key)
                else:
                    _tell_missing(outcome, self.report, failed)
            self.done("looking" if self.report.is_dry_run else "checking", self.report.rows)

    def _judge(self, one: Candidate, snapshot: StateSnapshot) -> None:
        standing = standing_of(self.store, one, snapshot)
        if standing.kind == "equal":
            self.report.verified += 1
            self.report.moved_on += standing.has_moved
            return
        self.report.add(_finding(one, standing.kind, standing.field, standing.message))

    def _count(self, one: Candidate, *, is_second: bool) -> None:
        if is_second:
            self.report.add(_finding(one, "changed", "", "an earlier row has this id, and would be adopted"))
            return
        self.report.adopted += 1
        self.report.earlier_moves += len(one.moves)


def _tell_missing(one: Candidate, report: AdoptionReport, failed: dict[str, str]) -> None:
    said = failed.get(one.row.place)
    if said is not None:
        report.add(_finding(one, "refused", "", f"the store does not take it: {said}"))
        return
    message = "has no state: it came while the others were adopted, or was not taken; run it again"
    report.add(_finding(one, "missing", "", message))


def _finding(one: Candidate, kind: Any, field: str, message: str) -> AdoptionFinding:
    return AdoptionFinding(one.row.place, kind, field, message, one.governor_id, one.state_id)


def _read(row: Row, shape: Shape, machine: Machine[Any] | None) -> _Read:
    try:
        outcome: Candidate | AdoptionFinding = candidate_of(row, shape, machine)
    except RefusedRowError as error:
        outcome = AdoptionFinding(row.place, "refused", error.field, error.message)
    return _Read(row.mark, row.converted, outcome)


def _candidates(page: Iterable[_Read]) -> list[Candidate]:
    return [read.outcome for read in page if isinstance(read.outcome, Candidate)]


def _standing(store: StateStore, candidates: Iterable[Candidate]) -> dict[tuple[str, str], StateSnapshot]:
    """Return those of the states that there are, deleted ones too."""
    ids: dict[str, list[str]] = {}
    for one in candidates:
        ids.setdefault(one.governor_id, []).append(one.state_id)
    found: dict[tuple[str, str], StateSnapshot] = {}
    for governor, states in ids.items():
        batch = store.batch_get_states(governor, states, include_deleted=True)
        found |= {(governor, state_id): snapshot for state_id, snapshot in batch.found.items()}
    return found


def _pages(items: Iterator[_Read]) -> Iterator[list[_Read]]:
    page: list[_Read] = []
    size = 0
    for item in items:
        page.append(item)
        size += item.outcome.weight if isinstance(item.outcome, Candidate) else 0
        if len(page) >= PAGE_ROWS or size >= PAGE_BYTES:
            yield page
            page, size = [], 0
    if page:
        yield page
