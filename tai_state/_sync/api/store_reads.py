# Generated from tai_state/_async/api/store_reads.py by .ci/generate_sync.py; do not edit.
"""What a store reads by itself: states, lists and counts; their events stand beside it."""
from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from tai_state import models
from tai_state._sync.api.lists import listed
from tai_state._sync.api.store_events import StoreEvents
from tai_state._platform.iterators import ending
from tai_state.codec import Payload
from tai_state.config import Maintenance
from tai_state.errors import InvalidDataError, InvalidIdError, StateNotFoundError
from tai_state.layout import GOVERNORS, escape, governor_of, is_own, own_beginning, state_layout
from tai_state.rules.history.damaged import Damaged
from tai_state.rules.history.usage import Tally
from tai_state.rules.records.arguments import check_limit

if TYPE_CHECKING:
    from collections.abc import Iterator, Callable, Iterable, Mapping

    from tai_state.clock import TimeLimit
    from tai_state.machine import Machine, Mover
    from tai_state.models import BatchResult, StateSnapshot, StoreStats, StoreUsage
    from tai_state.rules.records.record import StateRecord

log = logging.getLogger("tai_state")


def _as_stored(record: StateRecord) -> StateSnapshot:
    return record.public(Payload.value)


class StoreReads(StoreEvents):
    """The half of a store that changes nothing."""

    def get_state(
        self, governor_id: str, state_id: str, *, timeout: TimeLimit = None
    ) -> tuple[StateSnapshot, int]:
        """Return the state and its version.

        Where its document is missing or damaged, it is rebuilt from snapshots and events; the snapshot's ``recovered``
        says so, and nothing is written: the next change of the state is what writes the document again.

        Raises:
            StateNotFoundError: It does not exist, or is deleted.
            CorruptLogError: It is damaged, and cannot be rebuilt.
        """
        found = self.runtime.find(state_layout(governor_id, state_id), timeout)
        if found is None or found.record.deleted:
            raise StateNotFoundError(governor_id, state_id, deleted=found is not None)
        return found.record.public(Payload.value, recovered=found.recovered), found.record.version

    def find_state(self, governor_id: str, state_id: str, *, timeout: TimeLimit = None) -> StateSnapshot | None:
        """Return the state as ``get_state`` does; None when it does not exist, or is deleted.

        Raises:
            CorruptLogError: It is damaged, and cannot be rebuilt.
        """
        found = self.runtime.find(state_layout(governor_id, state_id), timeout)
        if found is None or found.record.deleted:
            return None
        return found.record.public(Payload.value, recovered=found.recovered)

    def exists(self, governor_id: str, state_id: str, *, timeout: TimeLimit = None) -> bool:
        """Whether the state exists and is not deleted."""
        record = self.runtime.record(state_layout(governor_id, state_id), timeout)
        return record is not None and not record.deleted

    def batch_get_states(
        self, governor_id: str, state_ids: Iterable[str], *, include_deleted: bool = False, timeout: TimeLimit = None
    ) -> BatchResult:
        """Return several states of a governor as of one moment; without *include_deleted*, deleted ones are missing.

        Those whose documents are missing or damaged are rebuilt as by ``get_state``, from what the events tell then.
        """
        if isinstance(state_ids, str):
            message = "must be several ids, not one str"
            raise InvalidDataError(message, path="state_ids")
        wanted = list({paths.state: paths for paths in (state_layout(governor_id, one) for one in state_ids)}.values())
        if not wanted:
            return models.BatchResult(found={}, missing=[])
        records, damaged = self.runtime.find_many(wanted, timeout)
        found: dict[str, StateSnapshot] = {}
        missing: list[str] = []
        for paths in wanted:
            one = records.get(paths.state)
            if one is not None and (include_deleted or not one.record.deleted):
                found[paths.state_id] = one.record.public(Payload.value, recovered=one.recovered)
            elif paths.state_id not in damaged:
                missing.append(paths.state_id)
        return models.BatchResult.model_construct(found=found, missing=missing, damaged=damaged)

    def dependents_of(
        self, governor_id: str, state_id: str, *, limit: int | None = None, timeout: TimeLimit = None
    ) -> BatchResult:
        """Return the live states that depend on a state and may react to its moves, as of one moment.

        Two reads: of the state, which is marked with them, and of those. A mark outlives a dependent that was deleted
        or made anew: such a one is left out. Where the state itself had to be rebuilt from its log, nobody knows its
        marks, and none is told; ``recover`` makes them again.

        Args:
            limit: How many marks are looked at most, ascending by the dependents' ids.

        Returns:
            ``missing`` are those whose documents are gone, and whose log does not tell them; ``verify`` finds them.

        Raises:
            StateNotFoundError: The state never existed.
        """
        check_limit(limit)
        with self.runtime.inflight.one("dependents_of", governor_id, state_id):
            found = self.runtime.find(state_layout(governor_id, state_id), timeout)
            if found is None:
                raise StateNotFoundError(governor_id, state_id)
            marked = sorted(found.record.marks.dependents)[:limit]
            read = self.batch_get_states(governor_id, marked, include_deleted=True, timeout=timeout)
        live = {one: shown for one, shown in read.found.items() if not shown.deleted and state_id in shown.depends_on}
        return models.BatchResult.model_construct(found=live, missing=read.missing, damaged=read.damaged)

    def list_governors(
        self,
        *,
        kind: str | None = None,
        after: str | None = None,
        limit: int | None = None,
        timeout: TimeLimit = None,
    ) -> Iterator[str]:
        """Iterate over the governors that ever had a state, ascending by stored id.

        What somebody else keeps in the same place, under an id that is none of ours, is left out. ``timeout`` bounds
        each page.

        Args:
            kind: "keys" or "sagas": instead of users' governors those of that kind, each an OwnGovernor.
            after: Begin behind this governor; of a *kind*, behind the one of this name.
        """
        own = None if kind is None else own_beginning(kind)
        start = own if after is None else (own or "") + escape(after, "after")
        check_limit(limit)
        found = self.runtime.access.scan_ids(GOVERNORS, after=start, first=limit or None, timeout=timeout)
        given = 0
        with ending(self.runtime.inflight.reading(found, "list_governors")) as ids:
            while given != limit and (stored := next(ids, None)) is not None:
                if not (stored.startswith(own) if own else not is_own(stored)):
                    return
                try:
                    governor_id = governor_of(stored, f"{GOVERNORS}/{stored}")
                except InvalidIdError as error:
                    log.warning("left out of the governors: %s", error)
                    continue
                yield governor_id
                given += 1

    def list_states(
        self,
        governor_id: str,
        *,
        status: str | None = None,
        prefix: str | None = None,
        after: str | None = None,
        until: str | None = None,
        limit: int | None = None,
        include_deleted: bool = False,
        descending: bool = False,
        timeout: TimeLimit = None,
    ) -> Iterator[StateSnapshot]:
        """Iterate over a governor's states, ascending by stored id, the same order on every backend.

        Documents that are damaged or somebody else's are passed over, and named at the end. (With a *status* or a
        *limit* the engine is asked for what matches; a document that lost the very field is named by a list of all.) A
        state whose document is missing is in no list; ``validate_consistency`` finds it.

        Args:
            status: Only the states in this status.
            prefix: Only those whose id begins with this text.
            after: Begin behind this state id, in the direction of the list.
            until: End with this state id, or before it.
            descending: From the last to the first; of live states, or of one *status*.
            timeout: Bounds each page.

        Raises:
            DamagedStatesError: Behind the last state: some could not be read.
            InvalidDataError: No index has the states that are asked for from their end.
        """
        found = listed(
            self.runtime,
            governor_id,
            _as_stored,
            status=status,
            prefix=prefix,
            after=after,
            until=until,
            limit=limit,
            include_deleted=include_deleted,
            descending=descending,
            timeout=timeout,
        )
        for snapshot in found:
            yield snapshot

    def find(
        self,
        *,
        labels: Mapping[str, str] | None = None,
        status: str | None = None,
        machine: Machine[Any] | Mover | str | None = None,
        governor_id: str | None = None,
        after: StateSnapshot | tuple[str, str] | None = None,
        limit: int | None = None,
        descending: bool = False,
        timeout: TimeLimit = None,
    ) -> Iterator[StateSnapshot]:
        """Iterate over the states, of all governors, that have these labels and are not deleted, ascending by path.

        That is by the stored id of the governor, then by that of the state. Of several *labels* the engine is asked
        for the first, so give the one first that the fewest states have; the others, and *status* and *machine*, are
        looked at here: what is left out is read, too. Without labels, each governor is asked for its states in that
        status and of that machine, by one query each.

        Documents that are damaged are passed over, and named at the end. A state that changes while, or after,
        somebody reads may be given as it was.

        Args:
            machine: The one that moved the state last, or its name.
            governor_id: Only this governor's states; None: those of all.
            after: Go on behind this state, the last one that was given, or behind its ``(governor_id, state_id)``.
            descending: From the last to the first; takes *labels*, or a *governor_id*.
            timeout: Bounds each page.

        Raises:
            DamagedDocumentsError: Behind the last state: some could not be read.
            InvalidDataError: An argument cannot be looked for; or no index has what is asked for from its end.
        """
        # Imported here: few look for states past their ids.
        from tai_state._sync.api.found_states import found_states  # noqa: PLC0415
        from tai_state.rules.history.states_wanted import wanted_states  # noqa: PLC0415

        check_limit(limit)
        wanted = wanted_states(
            labels=labels,
            status=status,
            machine=machine,
            governor_id=governor_id,
            after=after,
            descending=descending,
        )
        for record in found_states(self.runtime, wanted, limit=limit, timeout=timeout):
            yield _as_stored(record)

    def count(
        self,
        *,
        labels: Mapping[str, str] | None = None,
        status: str | None = None,
        machine: Machine[Any] | Mover | str | None = None,
        governor_id: str | None = None,
        timeout: TimeLimit = None,
    ) -> int:
        """Return how many states ``find`` finds.

        The engine counts them, without a read of each: those of one label, and without labels those of each governor.
        With several labels, or with *status* or *machine* beside one, they are found and counted here. *timeout* bounds
        each request.
        """
        from tai_state._sync.api.found_states import counted  # noqa: PLC0415 - as above
        from tai_state.rules.history.states_wanted import wanted_states  # noqa: PLC0415

        wanted = wanted_states(
            labels=labels, status=status, machine=machine, governor_id=governor_id, after=None, descending=False
        )
        with self.runtime.inflight.one("count"):
            return counted(self.runtime, wanted, timeout)

    def stats(self, governor_id: str, *, timeout: TimeLimit = None) -> StoreStats:
        """Count what a governor holds; reads every state document of it, and no event.

        Those that are damaged or somebody else's are not counted, but named. A state whose document is missing is
        in no count; ``validate_consistency`` finds it.
        """
        tally, damaged = Tally(governor_id), Damaged(governor_id)
        for record in self.runtime.records(governor_id, damaged, timeout=timeout):
            tally.add(record)
        damaged.tell(damaged=False)
        return tally.stats(damaged, self.runtime.conflicts)

    def usage(
        self, governor_id: str, *, progress: Callable[[int], None] | None = None, timeout: TimeLimit = None
    ) -> StoreUsage:
        """Count and measure every document of a governor, and tell what its changes cost a month; reads all of them.

        *progress* is told how many documents were read so far; ``timeout`` bounds each page. See ``StoreUsage``.
        """
        from tai_state._sync.api.usage import usage  # noqa: PLC0415 - few ask for it

        maintenance = self.runtime.settings.maintenance or Maintenance()
        return usage(self.runtime, governor_id, maintenance, progress=progress, timeout=timeout)
