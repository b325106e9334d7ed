"""Candidates become states: many in one commit, each with its earlier moves, and none twice."""

from collections.abc import Iterator, Sequence
from typing import Any

from tai_state import (
    ConflictError,
    DocumentTooLargeError,
    InvalidDataError,
    InvalidIdError,
    Machine,
    MachineError,
    ReplayError,
    StateMachinePersister,
    StateNotFoundError,
    StateStore,
    Transaction,
    TransactionManager,
    change_context,
)
from tai_state.adoption.shape import Candidate

ADOPT = "adopt"
"""The action of the event by which a state is adopted."""

ADOPTED_FROM = "adopted_from"
"""The name, in the context of an event, of the source of its state."""

_STATES_MAX = 100
_EVENTS_MAX = 200
_BYTES_MAX = 1_000_000

# What is wrong with one of them, and no fault of the store's.
_REFUSALS = (InvalidDataError, InvalidIdError, DocumentTooLargeError, MachineError, ConflictError, ReplayError)


class Writer:
    """Makes states of candidates.

    Attributes:
        adopted, earlier_moves: How many states and how many of their earlier moves it wrote.
        failed: What the store said of those that it did not take, by their places.
    """

    def __init__(self, store: StateStore, machine: Machine[Any] | None) -> None:
        """Write to *store*; data must fit the type of *machine*."""
        self._manager = TransactionManager(store)
        self._persister: StateMachinePersister[Any] = StateMachinePersister(store, machine)
        self.adopted = 0
        self.earlier_moves = 0
        self.failed: dict[str, str] = {}

    def write(self, candidates: Sequence[Candidate]) -> None:
        """Make those of the states that are not there, also not deleted ones; a state stands with all its moves or not.

        Raises:
            TaiStateError: The store failed; what was written stays, and is not written again.
        """
        for chunk in _chunks(candidates):
            self._write_together(chunk)

    def _write_together(self, chunk: Sequence[Candidate]) -> None:
        try:
            self._manager.run(lambda tx: self._adopt(tx, chunk))
        except _SomeAreThereError as error:
            if rest := [one for one in chunk if one not in error.there]:
                self._write_together(rest)
            return
        except _REFUSALS as error:
            if len(chunk) == 1:
                self.failed[chunk[0].row.place] = str(error)
                return
            middle = len(chunk) // 2
            self._write_together(chunk[:middle])
            self._write_together(chunk[middle:])
            return
        self.adopted += len(chunk)
        self.earlier_moves += sum(len(one.moves) for one in chunk)

    def _adopt(self, tx: Transaction, chunk: Sequence[Candidate]) -> None:
        for governor in dict.fromkeys(one.governor_id for one in chunk):
            # One request for all of them: what is asked for below is here then.
            tx.batch_get_states(governor, [one.state_id for one in chunk if one.governor_id == governor])
        there = [one for one in chunk if _was_there(tx, one)]
        if there:
            raise _SomeAreThereError(there)
        for one in chunk:
            self._adopt_one(tx, one)

    def _adopt_one(self, tx: Transaction, one: Candidate) -> None:
        ids, last = (one.governor_id, one.state_id), len(one.moves) + 1
        context = {ADOPTED_FROM: one.source}
        origin = {"source": one.source, "adopted_as": last}
        for move in one.moves:
            with change_context(changed_by=move.actor, context=context):
                tx.log_transition(
                    self._persister,
                    *ids,
                    move.action,
                    to_status=move.status,
                    data=move.data,
                    payload={**move.rest, "adopted": origin},
                    occurred_at=move.time,
                )
        with change_context(context=context):
            tx.log_transition(
                self._persister,
                *ids,
                ADOPT,
                to_status=one.status,
                data=one.data,
                payload={**one.row.origin, "earlier_moves": len(one.moves)},
                occurred_at=one.row.time,
            )


class _SomeAreThereError(Exception):
    """Some of the states are there: to leave the transaction without them, which would write what it only read."""

    def __init__(self, there: Sequence[Candidate]) -> None:
        super().__init__(len(there))
        self.there = there


def _was_there(tx: Transaction, one: Candidate) -> bool:
    try:
        tx.get_state(one.governor_id, one.state_id)
    except StateNotFoundError as error:
        return error.deleted
    return True


def _chunks(candidates: Sequence[Candidate]) -> Iterator[list[Candidate]]:
    """Yield them in parts that one commit takes; a state is in one part only, the first that asks for it."""
    chunk: list[Candidate] = []
    events = size = 0
    for one in {(one.governor_id, one.state_id): one for one in reversed(candidates)}.values():
        more, weight = len(one.moves) + 1, one.weight
        if chunk and (len(chunk) >= _STATES_MAX or events + more > _EVENTS_MAX or size + weight > _BYTES_MAX):
            yield chunk
            chunk, events, size = [], 0, 0
        chunk.append(one)
        events, size = events + more, size + weight
    if chunk:
        yield chunk
