"""Replay: the fold over a state's events, which trusts none of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from tai_state.codec import EMPTY, Payload
from tai_state.errors import CorruptLogError, ReplayError
from tai_state.rules.history.packed import Move, Run
from tai_state.rules.records.chain import GENESIS, event_hash, seal_is_sound
from tai_state.rules.records.erased import ERASE, is_erased
from tai_state.rules.records.fields import FieldError
from tai_state.rules.records.record import NO_STATE, EventRecord, StateRecord

_COMPARED = tuple(each.name for each in fields(StateRecord) if each.name != "marks")
"""What the events tell of a state: all but its marks."""

Rerun = Callable[[EventRecord | Move, int], str | None]
"""Runs the machine again over an event; returns what differs from what it recorded, or None.

Beside the event it is given the schema version of the data before it, which the event itself does not tell.
"""


def no_rerun(_: EventRecord | Move, __: int) -> str | None:
    """Run no machine."""
    return None


@dataclass(frozen=True, slots=True)
class Trimmed:
    """The end of what was trimmed of a history: the last version that is gone, and the hash of its event."""

    version: int
    hash: str


Previous = EventRecord | StateRecord | Trimmed | None
"""What an event follows: the event before, the state of a snapshot, what was trimmed; None before the first event."""


def contradiction(previous: Previous, event: EventRecord) -> str | None:
    """Return what in *event* contradicts itself or what it follows; None when it follows."""
    version, hash_ = (previous.version, previous.hash) if previous else (0, GENESIS)
    # Of what was trimmed nothing is left but its hash, which covers the rest.
    status, data = (event.from_status, event.from_state) if isinstance(previous, Trimmed) else _left_by(previous)
    # In the order of what they explain: an event that is not itself explains whatever else does not fit.
    checks = (
        (event_hash(event) == event.hash, "its content does not match its hash"),
        (seal_is_sound(event), "its values do not match their digests"),
        (event.version == version + 1, f"version {event.version} follows version {version}"),
        (event.previous_hash == hash_, "its previous_hash is not the hash of the event before"),
        (event.from_status == status, f"its from_status {event.from_status!r} is not {status!r}, where the state was"),
        (_comes_from(event, data, previous), "its from_state is not the to_state of the event before"),
        (_is_later(event, previous), "its timestamp is before the previous one"),
    )
    return next((reason for holds, reason in checks if not holds), None)


def schema_before(previous: Previous, event: EventRecord) -> int:
    """Return the schema version of the data before *event*; its own where there was none, or nobody knows."""
    return previous.schema_version if isinstance(previous, EventRecord | StateRecord) else event.schema_version


def _comes_from(event: EventRecord, data: Payload, previous: Previous) -> bool:
    """Whether an event's data before is what the one before left; of erased values nobody can tell."""
    if event.from_state == data:
        return True
    return is_erased(event) or is_erased(previous) or (event.kind == ERASE and event.from_state == EMPTY)


def _is_later(event: EventRecord, previous: Previous) -> bool:
    return previous is None or isinstance(previous, Trimmed) or event.timestamp >= previous.timestamp


def _left_by(previous: EventRecord | StateRecord | None) -> tuple[str | None, Payload]:
    """Return the status and the data that an event left, or that a state has."""
    if previous is None:
        return None, NO_STATE
    if isinstance(previous, EventRecord):
        return previous.to_status, previous.to_state
    return previous.status, previous.data


class Fold:
    """Steps through a state's events, one by one, in version order; refuses the first that does not follow."""

    def __init__(
        self,
        governor_id: str,
        state_id: str,
        *,
        base: StateRecord | Trimmed | None = None,
        rerun: Rerun = no_rerun,
    ) -> None:
        """Start before the first event, or after *base*."""
        self._ids = (governor_id, state_id)
        self._rerun = rerun
        self._last: Previous = base
        self._run: Run | None = None
        """The run that was taken last, where nobody has asked for its last event yet: most are followed by one more."""
        self.events = 0

    @property
    def last(self) -> Previous:
        """The last event that was taken, or what it all began with.

        Raises:
            CorruptLogError: Somebody else made it, hash and all.
        """
        if self._run is not None:
            try:
                self._last = self._run[-1]
            except FieldError as error:
                raise CorruptLogError(*self._ids, self._run.last, _damaged(error)) from error
            self._run = None
        return self._last

    @property
    def version(self) -> int:
        """The version reached; 0 before the first event."""
        if self._run is not None:
            return self._run.last
        return self._last.version if self._last else 0

    def step(self, event: EventRecord) -> None:
        """Take the next event.

        Raises:
            CorruptLogError: It does not follow from what came before.
            ReplayError: The machine, run again, does not make of it what was recorded.
        """
        reason = contradiction(self.last, event)
        if reason is not None:
            raise CorruptLogError(*self._ids, event.version, reason)
        difference = self._rerun(event, schema_before(self.last, event))
        if difference is not None:
            raise self._other(event, difference)
        self._last = event
        self.events += 1

    def take(self, events: Sequence[EventRecord], until: datetime | None = None) -> int | None:
        """Take the next events, and return the version of the first that is later than *until*; None: none is.

        Raises:
            CorruptLogError, ReplayError: As for ``step``.
        """
        try:
            if isinstance(events, Run) and (until is None or events[-1].timestamp <= until):
                self._take_run(events)
                return None
            for event in events:
                if until is not None and event.timestamp > until:
                    return event.version
                self.step(event)
        except FieldError as error:
            raise CorruptLogError(*self._ids, self.version + 1, _damaged(error)) from error
        return None

    def _take_run(self, run: Run) -> None:
        """Take proven events: that the first one follows is what is left to be shown of them."""
        if self._run is not None and run.goes_on_from(self._run):
            before = self._run.schema_version(-1)
        else:
            reason = contradiction(self.last, run[0])
            if reason is not None:
                raise CorruptLogError(*self._ids, run.first, reason)
            before = schema_before(self.last, run[0])
        rerun = self._rerun
        if rerun is not no_rerun:
            for move in run.moves():
                difference = rerun(move, before)
                if difference is not None:
                    raise self._other(move, difference)
                before = move.schema_version
        self._run = run
        self.events += len(run)

    def _other(self, event: EventRecord | Move, difference: str) -> ReplayError:
        return ReplayError(
            f"state {self._ids[1]!r} of governor {self._ids[0]!r}, version {event.version}: {difference}"
        )

    def state(self) -> StateRecord | None:
        """Return the state reached; None before the first event."""
        last = self.last
        if isinstance(last, EventRecord):
            return last.state()
        return None if isinstance(last, Trimmed) else last


def _damaged(error: FieldError) -> str:
    return f"the sealed event is damaged: {error}"


def differing_field(state: StateRecord, replayed: StateRecord) -> str | None:
    """Return the name of the first field in which a state differs from its replay; None when none does."""
    for name in _COMPARED:
        if getattr(state, name) != getattr(replayed, name):
            return name
    return None


def check_reached(state: StateRecord, replayed: StateRecord) -> None:
    """Refuse a replay that does not end in the state.

    Raises:
        CorruptLogError: The events end before the state's version, or make another state of it.
    """
    ids = (state.governor_id, state.state_id)
    if replayed.version < state.version:
        raise CorruptLogError(
            *ids, replayed.version + 1, f"the event is missing, the state is at version {state.version}"
        )
    name = differing_field(state, replayed)
    if name is not None:
        raise CorruptLogError(*ids, state.version, f"field {name!r} of the state is not that of its last event")
