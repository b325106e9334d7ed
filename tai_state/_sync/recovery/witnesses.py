# Generated from tai_state/_async/recovery/witnesses.py by .ci/generate_sync.py; do not edit.
"""What other documents of a governor tell of a state that has lost its own: receipts, and what depends on it."""
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress

from tai_state._sync.access.access import LARGE_PAGE, Access
from tai_state.clock import Span
from tai_state.documents import Document
from tai_state.errors import InvalidIdError, ReplayError
from tai_state.layout import GovernorLayout, StateLayout, unescape
from tai_state.rules.records.documents import read_state
from tai_state.rules.records.record import StateRecord
from tai_state.rules.recovery.repair import told_dependents
from tai_state.rules.transactions.dependents.marks import driver


class Witnesses:
    """Reads what is told of all states of a governor once, when it is first asked for, and keeps it.

    Held are one version for each state that there is a receipt of, and one machine for each dependency: ids and names,
    no data. What comes later does no harm: a keyed change, and a dependent that starts, write the document of the
    state, too. A repair of what was there before is refused, and one of what is there since finds the mark in it.
    """

    def __init__(self, access: Access, governor: GovernorLayout, timeout: Span) -> None:
        """Read documents of *governor* through *access*."""
        self._access = access
        self._governor = governor
        self._timeout = timeout
        self._versions: dict[str, int] | None = None
        self._dependents: dict[str, dict[str, str]] | None = None

    def forget(self) -> None:
        """Read it again when it is asked for again."""
        self._versions, self._dependents = None, None

    def note(self, record: StateRecord) -> None:
        """Take it that a state's document was written again, as *record*."""
        # Before the states were read they tell it themselves.
        if self._dependents is not None:
            _take(self._dependents, record)

    def went_further(self, state_id: str, version: int) -> bool:
        """Whether a receipt tells of a later change than *version*: then the log has lost its end."""
        if self._versions is None:
            self._versions = self._read_receipts()
        return self._versions.get(state_id, 0) > version

    def dependents(self, paths: StateLayout, state: Document | None) -> dict[str, str]:
        """Return the live states that depend on one, each with its machine: only their own documents tell.

        Of those that the found document of the one names besides, their documents are read as they are now. Where such
        a document cannot be read, that mark is believed: one too many does no harm, and one too few would let a move
        pass the dependent over.
        """
        if self._dependents is None:
            self._dependents = self._read_states()
        found = dict(self._dependents.get(paths.state_id, {}))
        marked = {one: machine for one, machine in told_dependents(paths, state).items() if one not in found}
        return {**found, **self._confirmed(marked, paths.state_id)} if marked else found

    def _confirmed(self, marked: Mapping[str, str], state_id: str) -> dict[str, str]:
        """Return those of the *marked* that depend on a state, and those of which nobody can tell."""
        layouts = _layouts(self._governor, marked)
        read = self._access.read([one.state for one in layouts], self._access.begin(self._timeout))
        found: dict[str, str] = {}
        for one in layouts:
            document = read.get(one.state)
            try:
                record = read_state(document, one.governor_id, one.state_id) if document is not None else None
            except ReplayError:
                found[one.state_id] = marked[one.state_id]
                continue
            if record is not None and state_id in _dependencies(record):
                found[one.state_id] = driver(record)
        return found

    def _read_receipts(self) -> dict[str, int]:
        versions: dict[str, int] = {}
        for receipt in self._access.scan(self._governor.receipts, page=LARGE_PAGE, timeout=self._timeout):
            state_id, version = receipt.fields.get("state_id"), receipt.fields.get("version")
            if isinstance(state_id, str) and type(version) is int:
                versions[state_id] = max(version, versions.get(state_id, 0))
        return versions

    def _read_states(self) -> dict[str, dict[str, str]]:
        dependents: dict[str, dict[str, str]] = {}
        for document in self._access.scan(self._governor.states, timeout=self._timeout):
            try:
                state_id = unescape(document.path.id)
                record = read_state(document, self._governor.governor_id, state_id)
            except (InvalidIdError, ReplayError):
                continue
            _take(dependents, record)
        return dependents


def _layouts(governor: GovernorLayout, state_ids: Iterable[str]) -> list[StateLayout]:
    """Return where the states are; what can be the id of none is left out."""
    layouts: list[StateLayout] = []
    for state_id in state_ids:
        with suppress(InvalidIdError):
            layouts.append(governor.state(state_id))
    return layouts


def _dependencies(record: StateRecord) -> Collection[str]:
    """Return the states that one depends on, while it lives."""
    return () if record.deleted or record.machine is None else record.depends_on


def _take(dependents: dict[str, dict[str, str]], record: StateRecord) -> None:
    for dependency_id in _dependencies(record):
        dependents.setdefault(dependency_id, {})[record.state_id] = driver(record)
