# Generated from tai_state/_async/recovery/importer.py by .ci/generate_sync.py; do not edit.
"""The import: the documents of a file, so many in a commit, and a check of each governor behind its last one.

It may be stopped anywhere and run again: what is there already and of the same history is passed over. Each commit is
refused by the store where something stands in a place that was found empty; then all of it is read, and decided anew.
What is decided stands in ``rules/recovery/joining``.
"""
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tai_state._sync.access.access import PAGE, Access
from tai_state._sync.commits.feeding import feed_in, store_id_in
from tai_state._sync.history.reader import HistoryReader
from tai_state._sync.recovery.erasure import erase_again
from tai_state._sync.recovery.export_file import ExportReader, in_commits
from tai_state._sync.recovery.verify import Verifier, Progress
from tai_state.clock import Span
from tai_state.documents import Capability, Document, DocumentPath, MustNotExist, Put, Write
from tai_state.errors import PreconditionFailedError, ReplayError, StoreUnavailableError
from tai_state.layout import META, GovernorLayout, state_of
from tai_state.models import ConsistencyReport, ImportReport
from tai_state.rules.commits.decide import meta_fields
from tai_state.rules.recovery.brought import states_named, without_erased
from tai_state.rules.recovery.carried import is_due, is_state, placed
from tai_state.rules.recovery.erasure import Erasure, read_erasure
from tai_state.rules.recovery.export_lines import Carried, Header
from tai_state.rules.recovery.joining import Item, Joining, Run, run_of


@dataclass(slots=True)
class Joined:
    """What an import has done so far."""

    governors: int = 0
    states: int = 0
    events: int = 0
    documents: int = 0
    written: int = 0
    reports: list[ConsistencyReport] = field(default_factory=list)


class Import:
    """Writes what a file holds into a store."""

    def __init__(self, access: Access, reader: ExportReader, progress: Progress, timeout: Span) -> None:
        """Write through *access*, and tell *progress* of each state.

        Args:
            timeout: The time that each commit, and each page of the check, may take.
        """
        self._access = access
        self._reader = reader
        self._progress = progress
        self._timeout = timeout
        self._joined = Joined()
        self._joining: Joining | None = None
        self._governor_id = ""
        self._erasing: dict[str, None] = {}
        self._store_id: str | None = None
        self._feed = 0

    def run(self) -> Header:
        """Import the whole file, and return what it says of itself.

        Raises:
            BadExportError, SchemaVersionError: The file cannot be read.
            HistoryConflictError: A state is there with another history.
        """
        header = self._reader.header()
        for piece in self._reader.pieces():
            for part in _by_governor(piece):
                self._take(part)
        self._end_governor("")
        # Records of transactions stand behind all governors.
        erase_again(self._access, self._erasing, self._timeout)
        return header

    def report(self, file: str, header: Header, passed_over: Sequence[str]) -> ImportReport:
        """Return what was done, and what is wrong with exports that were not taken."""
        joined = self._joined
        return ImportReport(
            file=file,
            governor_id=header.governor_id,
            store_id=header.store_id,
            governors=joined.governors,
            states=joined.states,
            events=joined.events,
            documents=joined.documents,
            written=joined.written,
            present=joined.documents - joined.written,
            reports=joined.reports,
            passed_over=list(passed_over),
        )

    def _take(self, part: Sequence[Carried]) -> None:
        """Import documents of one governor, or of none."""
        governor_id, _ = state_of(str(part[0].path))
        # Counters of locks stand between the states of one governor.
        if governor_id and governor_id != self._governor_id:
            self._end_governor(governor_id)
        joinings = self._begun(part)
        items: list[Item] = []
        for carried in part:
            run = run_of(carried.path)
            if self._joining is not None and self._joining.run != run:
                items += self._ended()
            if run is None:
                items.append(Item(carried))
                continue
            self._joining = self._joining or joinings[run]
            items += self._joining.meet(carried)
        self._write(self._without_erased(items))
        self._joined.documents += len(part)
        for carried in part:
            if (run := run_of(carried.path)) is not None and carried.path == run.state:
                self._progress(*_names(run))

    def _begun(self, part: Sequence[Carried]) -> dict[Run, Joining]:
        """Return what is decided for each state of which documents are met, those that begin here by what is there."""
        states: dict[Run, Carried | None] = {}
        for carried in part:
            if (run := run_of(carried.path)) is not None:
                states.setdefault(run, None)
                self._joined.events += carried.path.collection.endswith("/events")
                if carried.path == run.state:
                    self._joined.states += states[run] is None
                    states[run] = carried
        current = self._joining
        found = self._read([run.state for run in states if current is None or run != current.run])
        joinings = {
            run: current if current is not None and run == current.run else Joining(run, found.get(run.state))
            for run in states
        }
        for run, state in states.items():
            if state is not None:
                joinings[run].begin(state)
        beyond = {run: path for run, joining in joinings.items() if (path := joining.beyond) is not None}
        events = self._read(list(beyond.values()))
        for path in beyond.values():
            if path not in events and (sealed := self._sealed(path)) is not None:
                events[path] = sealed
        for run, joining in joinings.items():
            joining.compare(events.get(beyond[run]) if run in beyond else None)
        return joinings

    def _ended(self) -> list[Item]:
        """Return what is left to write of the state that ends."""
        joining, self._joining = self._joining, None
        item = None if joining is None else joining.end()
        return [] if item is None else [item]

    def _without_erased(self, items: list[Item]) -> list[Item]:
        """Return what is to be there without what was erased here: else it would be back until it is erased again."""
        if not self._erasing:
            return items
        places = sorted({paths.erasure for item in items for paths in states_named(item.path, item.carried.fields)})
        erased: dict[DocumentPath, Erasure] = {}
        for first in range(0, len(places), PAGE):
            found = self._read(places[first : first + PAGE])
            erased |= {path: read_erasure(one, state_of(str(path))[0]) for path, one in found.items()}
        kept: list[Item] = []
        for item in items:
            fields = without_erased(item.path, item.carried.fields, erased)
            if fields is not None:
                kept.append(replace(item, carried=item.carried._replace(fields=fields)))
        return kept

    def _end_governor(self, next_id: str) -> None:
        """Write what is left of a governor, and check it."""
        self._write(self._ended())
        if self._governor_id:
            self._erase_again(GovernorLayout(self._governor_id))
            self._joined.governors += 1
            verifier = Verifier(self._access, progress=self._progress, timeout=self._timeout)
            report = verifier.check(self._governor_id)
            self._joined.reports += [] if report.is_consistent else [report]
        self._governor_id = next_id
        if next_id:
            self._note_erasures(GovernorLayout(next_id))

    def _note_erasures(self, governor: GovernorLayout) -> None:
        if governor.governor_id in self._erasing:
            return
        for _ in self._access.scan(governor.erasures, limit=1, timeout=self._timeout):
            self._erasing[governor.governor_id] = None

    def _erase_again(self, governor: GovernorLayout) -> None:
        """Erase what the file has brought back of what was erased here, or where it comes from."""
        self._note_erasures(governor)
        if governor.governor_id in self._erasing:
            erase_again(self._access, [governor.governor_id], self._timeout)

    def _sealed(self, path: DocumentPath) -> Document | None:
        """Return what a segment says of an event whose own document was removed, as much of it as is compared."""
        try:
            event = HistoryReader(self._access).sealed_at(path, self._timeout)
        except ReplayError:
            return None
        if event is None or event.committed_at is None:
            return None
        return Document(path, {"hash": event.hash}, event.committed_at, event.committed_at)

    def _write(self, items: Sequence[Item]) -> None:
        has_keys = Capability.BY_UPDATE_TIME not in self._access.backend.capabilities
        if any(is_state(item.path) if has_keys else is_due(item.path, item.carried.fields) for item in items):
            items = self._placed(items, has_keys=has_keys)
        for part in in_commits(items):
            self._joined.written += bring(self._access, part, self._timeout)

    def _placed(self, items: Sequence[Item], *, has_keys: bool) -> list[Item]:
        """Return *items* with their states where this store looks for them: when they are due, and have changed."""
        if self._store_id is None or has_keys:
            # Whether it feeds may change while a long import runs.
            self._store_id, self._feed = store_place(self._access, self._timeout)
        store_id, feed = self._store_id, self._feed if has_keys else 0
        return [
            replace(item, carried=item.carried._replace(fields=placed(item.path, item.carried.fields, store_id, feed)))
            if is_state(item.path)
            else item
            for item in items
        ]

    def _read(self, paths: list[DocumentPath]) -> dict[DocumentPath, Document]:
        return _read(self._access, paths, self._timeout)


def store_place(access: Access, timeout: Span = None) -> tuple[str, int]:
    """Return the id of the store, and by how many keys it feeds; one that has no id yet is given it, as ever.

    Raises:
        CorruptLogError: Its document is none of ours.
        SchemaVersionError: A newer release wrote that.
    """
    deadline = access.begin(timeout)
    new_id = access.new_id()
    put = Put(META, meta_fields(new_id), MustNotExist())

    def attempt() -> tuple[str, int]:
        meta = (access.read([META], deadline)).get(META)
        if meta is None:
            access.backend.commit([put], timeout=access.attempt_seconds(deadline))
            return new_id, 0
        feed = feed_in(meta)
        return store_id_in(meta), 0 if feed is None else feed.shards

    # Whoever was faster, or an attempt of ours without a reply, has named it.
    return access.retried(attempt, deadline, also=(PreconditionFailedError,), what="the name of a store")


def bring(access: Access, items: Sequence[Item], timeout: Span = None) -> int:
    """Bring it about that all *items* are there, in one commit; return how many of the file were written for it."""
    deadline = access.begin(timeout)
    found: dict[DocumentPath, Document] = {}
    is_read = all(item.is_new for item in items)
    sealed = {item.path for item in items if item.is_sealed}

    def attempt() -> int:
        nonlocal is_read, found
        if not is_read:
            found = _read(access, [item.path for item in items], deadline)
        is_read = False
        writes: dict[DocumentPath, Write] = {}
        for item in items:
            # One that stands twice in a file, since the state moved on meanwhile, counts as it stands last.
            writes |= {write.path: write for write in item.writes(found.get(item.path))}
        if not writes:
            return 0
        access.backend.commit(list(writes.values()), timeout=access.attempt_seconds(deadline))
        return sum(isinstance(write, Put) and path not in sealed for path, write in writes.items())

    try:
        return attempt()
    except (PreconditionFailedError, StoreUnavailableError):
        # Something stands there, or it is not known: everything is read, and what is there passed over.
        return access.retried(attempt, deadline, also=(PreconditionFailedError,), what="an import")


def _read(access: Access, paths: list[DocumentPath], timeout: Span) -> dict[DocumentPath, Document]:
    if not paths:
        return {}
    return dict((access.read(paths, access.begin(timeout), consistent=False)).documents)


def _by_governor(piece: Sequence[Carried]) -> list[list[Carried]]:
    """Return documents in order, those that follow each other and are of one governor together."""
    parts: list[list[Carried]] = []
    last: str | None = None
    for carried in piece:
        governor_id, _ = state_of(str(carried.path))
        if governor_id != last:
            parts.append([])
        last = governor_id
        parts[-1].append(carried)
    return parts


def _names(run: Run) -> tuple[str, str]:
    return state_of(str(run.state))[0], run.stored_id
