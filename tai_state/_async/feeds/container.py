"""A container: one state of a store as a value that is validated, persisted, and only then told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic

from tai_state._async.api.persister import AsyncStateMachinePersister
from tai_state._async.api.store import AsyncStateStore
from tai_state._platform.bodies import async_call_back
from tai_state.authors import author_of
from tai_state.codec import Payload
from tai_state.config import LISTENER_BUFFER, check_colour
from tai_state.errors import ConfigurationError, InvalidDataError, StateNotFoundError, VersionConflictError
from tai_state.layout import state_layout
from tai_state.machine.validation import call_defect
from tai_state.models import DataT
from tai_state.rules.commits.kinds import Call, data_payload
from tai_state.rules.commits.plain import save_change
from tai_state.rules.records.arguments import check_limit, check_version
from tai_state.rules.records.record import lenient, stored_data
from tai_state.typed import is_model, is_model_class, validated

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable
    from datetime import datetime

    from tai_state._async.commits.listening import AsyncChangeListener
    from tai_state.clock import Deadline, TimeLimit
    from tai_state.models import ChangeMetadata, Event
    from tai_state.rules.records.record import StateRecord


class AsyncStateContainer(Generic[DataT]):
    """One state as a value: a dict, or a pydantic *model*.

    What it is given is validated, then made durable with its event, and only then told to those who subscribed. Any
    number of containers, of any number of processes, may be over one state: each change is one compare-and-swap.
    """

    def __init__(
        self,
        store: AsyncStateStore,
        governor_id: str,
        state_id: str,
        model: type[DataT] | None = None,
        *,
        validate: Callable[[DataT], object] | None = None,
        tags: Iterable[str] = (),
    ) -> None:
        """Hold the state *state_id* of *governor_id*, which need not be there yet. Does no I/O.

        Args:
            model: A class of pydantic models: what is given and read is one; None: a dict.
            validate: Called with each value before it is stored. What it raises refuses it, and so does False.
            tags: What people sort containers by; of this object, nothing is stored.

        Raises:
            ConfigurationError: *store* is none, or one of the other colour; *model* is no class of models; *validate*
                is no plain function of one argument.
            InvalidIdError: One of the ids cannot be an id.
        """
        check_colour(store, AsyncStateStore, self)
        if model is not None and not is_model_class(model):
            message = f"model must be a class of pydantic models, not {model!r}"
            raise ConfigurationError(message)
        _check_function(validate, "validate")
        self._store = store
        self._runtime = store.runtime
        self._paths = state_layout(governor_id, state_id)
        self._model: Any = model
        self._validate = validate
        self._tags = tuple(sorted({str(tag) for tag in tags}))
        self._seen: StateRecord | None = None

    # What is known without asking

    @property
    def governor_id(self) -> str:
        """The governor of the state."""
        return self._paths.governor_id

    @property
    def state_id(self) -> str:
        """The id of the state."""
        return self._paths.state_id

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags that it was made with, sorted."""
        return self._tags

    @property
    def version(self) -> int:
        """The version of the state when this container last read or changed it; 0 before, or where it was not there."""
        return self._seen.version if self._seen is not None else 0

    @property
    def created_at(self) -> datetime | None:
        """When the state was created, as this container last saw it; None before, or where it was not there."""
        return self._seen.created_at if self._seen is not None else None

    @property
    def checksum(self) -> str | None:
        """The SHA-256 of the value's canonical JSON, hexadecimal, as it was last seen; None as for ``created_at``."""
        return self._seen.data.digest if self._seen is not None else None

    # Reading

    async def get(self, default: Any = None, *, timeout: TimeLimit = None) -> DataT | Any:
        """Return the value, a copy of the caller's own; *default* where there is none.

        Raises:
            StoredDataError: What is stored does not fit the model.
            CorruptLogError: The state is damaged, and cannot be rebuilt.
        """
        record = await self._look(self._runtime.access.begin(timeout))
        return default if record is None else self._value(record)

    async def history(
        self, *, after: int = 0, until: int | None = None, limit: int | None = None, timeout: TimeLimit = None
    ) -> AsyncIterator[Event[Any]]:
        """Iterate over the events of the state, in version order, their data as this container gives it.

        Data that does not fit the model, as another writer may have stored, is given as the dict that it is.
        """
        check_limit(limit)
        check_version(after, "after")
        if until is not None:
            check_version(until, "until")
        found = self._runtime.history.events(self._paths, after=after, until=until, limit=limit, timeout=timeout)
        async for event in self._runtime.inflight.reading(found, "get_events", self.governor_id, self.state_id):
            yield event.public(self._as_data)

    # Changing

    async def set(
        self, value: DataT | dict[str, Any], *, metadata: ChangeMetadata | None = None, timeout: TimeLimit = None
    ) -> int:
        """Replace the value, whatever it was, and return the new version.

        Raises:
            InvalidDataError: It cannot be stored, does not fit the model, or was refused by ``validate``.
        """
        data = self._checked(value)
        record = await self._save(data, None, metadata, self._runtime.access.begin(timeout))
        return record.version

    async def update(
        self,
        fn: Callable[[Any], DataT | dict[str, Any]],
        *,
        metadata: ChangeMetadata | None = None,
        timeout: TimeLimit = None,
    ) -> DataT:
        """Replace the value by what *fn* makes of it, and return that.

        Args:
            fn: Gets a copy of the value, None where there is none; keep it pure: it runs again where another writer was
                there first.

        Raises:
            InvalidDataError: As for ``set``; what *fn* raises passes through, and nothing is written.
            ConfigurationError: *fn* is no plain function of one argument.
            DeadlineExceededError: Other writers were there first all the time.
        """
        _check_function(fn, "fn")
        made: list[Payload] = []

        def new(record: StateRecord | None) -> Payload:
            made[:] = [self._checked(fn(None if record is None else self._value(record)))]
            return made[0]

        await self._swap(new, metadata, timeout)
        value: DataT = self._as_data(made[0])
        return value

    async def compare_and_swap(
        self,
        expected: DataT | dict[str, Any] | None,
        new: DataT | dict[str, Any],
        *,
        metadata: ChangeMetadata | None = None,
        timeout: TimeLimit = None,
    ) -> bool:
        """Replace the value by *new* if it equals *expected* (None: if there is none), and return whether it did.

        Raises:
            InvalidDataError: *new* is refused, as by ``set``, or *expected* is nothing that could be stored.
        """
        data = self._checked(new)
        wanted = None if expected is None else self._fitting(self._payload(expected))

        def swapped(record: StateRecord | None) -> Payload | None:
            found = None if record is None else record.data
            is_same = (found is None) is (wanted is None) and (wanted is None or found == wanted)
            return data if is_same else None

        return await self._swap(swapped, metadata, timeout)

    async def rollback(
        self, n: int = 1, *, metadata: ChangeMetadata | None = None, timeout: TimeLimit = None
    ) -> DataT | Any:
        """Make the value that was there *n* changes ago the value again, as a new version, and return it.

        Raises:
            StateNotFoundError: There is no value.
            VersionNotFoundError: There were not so many changes, or they were trimmed.
            InvalidDataError: There was no value then, or it does not fit the model.
        """
        check_version(n, "n")
        deadline = self._runtime.access.begin(timeout)
        persister: AsyncStateMachinePersister[Any] = AsyncStateMachinePersister(self._store)

        async def attempt() -> None:
            record = await self._look(deadline)
            if record is None:
                raise StateNotFoundError(self.governor_id, self.state_id)
            await persister.rollback(
                self.governor_id,
                self.state_id,
                max(0, record.version - n),
                metadata,
                expected_version=record.version,
                timeout=deadline.at_most(deadline.seconds),
            )

        await self._runtime.access.retried(attempt, deadline, also=(VersionConflictError,), what="a rollback")
        return await self.get(timeout=deadline.at_most(deadline.seconds))

    # Listening

    def subscribe(
        self,
        callback: Callable[[Any], object],
        *,
        on_missed: Callable[[int], object] | None = None,
        buffer: int = LISTENER_BUFFER,
    ) -> AsyncChangeListener:
        """Call *callback* with each new value that this process's store object makes durable from now on.

        That is by whichever container, persister or transaction over it. None: it was deleted. A value that does not
        fit the model is given as the dict that it is. Otherwise, and for what is returned, see ``on_change``.
        """

        async def told(event: Event) -> None:
            value = None if event.deleted else lenient(self._as_data)(Payload.of(event.to_state))
            await async_call_back(callback, value)

        return self._store.on_change(
            told, governor_id=self.governor_id, state_id=self.state_id, on_missed=on_missed, buffer=buffer
        )

    # Inside

    def _as_data(self, payload: Payload) -> Any:
        if self._model is None:
            return payload.value()
        return validated(self._model, payload.json if payload.is_json else payload.value())

    def _value(self, record: StateRecord) -> Any:
        return stored_data(self._as_data, record.data, self.governor_id, self.state_id, record.version)

    def _payload(self, value: object) -> Payload:
        if self._model is not None and is_model(value) and type(value) is not self._model:
            message = f"must be a {self._model.__name__} or a dict, not a {type(value).__name__}"
            raise InvalidDataError(message, path="data")
        return data_payload(value)

    def _checked(self, value: object) -> Payload:
        """Return a value as it is stored, once it fits the model and nothing refuses it."""
        payload = self._fitting(self._payload(value))
        # A copy: what the check does to it is not what is stored.
        if self._validate is not None and self._validate(self._as_data(payload)) is False:
            message = "was refused by validate"
            raise InvalidDataError(message, path="data")
        return payload

    def _fitting(self, payload: Payload) -> Payload:
        """Return a value as the model writes it, what it leaves to defaults included."""
        return payload if self._model is None else data_payload(self._as_data(payload))

    async def _look(self, deadline: Deadline) -> StateRecord | None:
        found = await self._runtime.find(self._paths, deadline)
        self._seen = None if found is None or found.record.deleted else found.record
        return self._seen

    async def _swap(
        self,
        new_of: Callable[[StateRecord | None], Payload | None],
        metadata: ChangeMetadata | None,
        timeout: TimeLimit,
    ) -> bool:
        """Write what *new_of* makes of what is there, and return True; False where that is None."""
        deadline = self._runtime.access.begin(timeout)

        async def attempt() -> bool:
            record = await self._look(deadline)
            data = new_of(record)
            if data is None:
                return False
            await self._save(data, 0 if record is None else record.version, metadata, deadline)
            return True

        return await self._runtime.access.retried(attempt, deadline, also=(VersionConflictError,), what="a swap")

    async def _save(
        self, data: Payload, expected_version: int | None, metadata: ChangeMetadata | None, deadline: Deadline
    ) -> StateRecord:
        call = Call(self._paths, author_of(metadata, self._store.actor), expected_version, None)
        with self._runtime.inflight.one("save", self.governor_id, self.state_id):
            change = save_change(call, data.value(), None)
            applied = await self._runtime.writer.write(change, self._runtime.settings, deadline)
        self._seen = applied.record
        return applied.record


def _check_function(function: object, what: str) -> None:
    # What is async would refuse nothing, and make nothing.
    defect = None if function is None else call_defect(function, what, "value")
    if defect is not None:
        message = f"{what}: {defect}"
        raise ConfigurationError(message)
