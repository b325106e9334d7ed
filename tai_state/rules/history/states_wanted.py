"""Finding states by their labels, status and machine: what the engine is asked for, and what is looked at here."""

from dataclasses import dataclass

from tai_state import models
from tai_state.documents import Cursor, DocumentPath, FieldContains, FieldEquals, Query
from tai_state.errors import InvalidDataError
from tai_state.layout import GOVERNORS, GovernorLayout, state_layout
from tai_state.machine import ForeignMachine, Machine, Mover
from tai_state.rules.history.finding import text_or_none
from tai_state.rules.records.labels import checked_labels, term
from tai_state.rules.records.record import StateRecord

_PLACE = 2
_MACHINES = (Machine, ForeignMachine, Mover)


@dataclass(frozen=True, slots=True)
class WantedStates:
    """What is asked for.

    Attributes:
        terms: The labels that a state must have, as they are stored; the engine is asked for the first.
        governor: Whose states; None: all there are.
        after: The state behind which to go on.
    """

    terms: tuple[str, ...]
    status: str | None
    machine: str | None
    governor: GovernorLayout | None
    after: DocumentPath | None
    is_descending: bool

    @property
    def is_filtered(self) -> bool:
        """Whether states that the engine sends are left out here."""
        is_more = self.status is not None or self.machine is not None
        return len(self.terms) > 1 or (is_more and (bool(self.terms) or self.is_descending))

    def takes(self, record: StateRecord) -> bool:
        """Whether a state that the engine sent is one that is wanted."""
        return (
            not record.deleted
            and (self.status is None or record.status == self.status)
            and (self.machine is None or (record.machine is not None and record.machine.name == self.machine))
            and set(self.terms) <= set(record.labels)
        )

    def by_label(self) -> Query:
        """Return the query for the states with the first label, wherever they are."""
        # By the path alone: other people's documents, and other stores of the same database, are elsewhere.
        below = GOVERNORS if self.governor is None else self.governor.states.rpartition("/")[0]
        return Query(
            collection="states",
            contains=FieldContains("labels", self.terms[0]),
            is_group=True,
            is_descending=self.is_descending,
            after=None if self.after is None else Cursor(self.after),
            below=below,
        )

    def in_governor(self, states: str) -> Query:
        """Return the query for the states in one collection of a governor's."""
        equal = [FieldEquals("deleted", value=False)]
        if self.status is not None:
            equal.append(FieldEquals("status", self.status))
        if self.is_descending:
            # What is read from its end has an index of one condition; the others are looked at here.
            equal = equal[-1:]
        elif self.machine is not None:
            equal.append(FieldEquals("machine_name", self.machine))
        after = None if self.after is None or self.after.collection != states else Cursor(self.after)
        return Query(collection=states, equal=tuple(equal), is_descending=self.is_descending, after=after)


def wanted_states(
    *, labels: object, status: object, machine: object, governor_id: object, after: object, descending: bool
) -> WantedStates:
    """Return what a caller asks for, checked.

    Raises:
        InvalidDataError: One of the arguments cannot be, or no index serves all of them; names it.
        InvalidIdError: The governor's id cannot be one.
    """
    given = {} if labels is None else checked_labels(labels)
    governor = None if governor_id is None else GovernorLayout(governor_id)  # type: ignore[arg-type]  # it checks
    if descending and not given and governor is None:
        message = "no index has all states of all governors from their end: give labels=, or governor_id="
        raise InvalidDataError(message, path="descending")
    return WantedStates(
        terms=tuple(term(key, value) for key, value in given.items() if value is not None),
        status=text_or_none(status, "status"),
        machine=machine.name if isinstance(machine, _MACHINES) else text_or_none(machine, "machine"),
        governor=governor,
        after=None if after is None else _place(after, governor),
        is_descending=descending,
    )


def _place(after: object, governor: GovernorLayout | None) -> DocumentPath:
    if isinstance(after, models.StateSnapshot):
        after = (after.governor_id, after.state_id)
    if not isinstance(after, tuple) or len(after) != _PLACE:
        message = "must be a state that was found, or its (governor_id, state_id)"
        raise InvalidDataError(message, path="after")
    if governor is None:
        return state_layout(*after).state
    if after[0] != governor.governor_id:
        message = f"is a state of governor {after[0]!r}, not of {governor.governor_id!r}"
        raise InvalidDataError(message, path="after")
    # A state tells its governor as text, which leads to none of the package's own.
    return governor.state(after[1]).state


def governor_of(path: DocumentPath) -> str:
    """Return the stored id of the governor in the path of a state."""
    return path.collection.split("/")[1]


def states_in(stored_governor: str) -> str:
    """Return the collection of the states of a governor, by its stored id."""
    return f"{GOVERNORS}/{stored_governor}/states"
