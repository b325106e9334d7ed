"""States of a machine of another library: loaded by id, moved by the names of its events, in one commit each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tai_state import (
    KEEP,
    AsyncStateMachinePersister,
    EffectsFailedError,
)
from tai_state.adapters.awaiting import async_finish
from tai_state.adapters.moving import SENT_MAX, Definition, Ran, Recording
from tai_state.machine import names_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import timedelta

    from tai_state import (
        AsyncLock,
        AsyncLockSet,
        AsyncStateStore,
        ChangeMetadata,
        PersistenceConfig,
        StateSnapshot,
        TransitionResult,
    )


class AsyncPersistedMachine:
    """One state of a machine of another library.

    It shows the state as it was when it was loaded, or fired last; another process may have moved it since.

    Attributes:
        governor_id, state_id: Which state it is.
        snapshot: The state.
        machine, model: The library's machine and its model, as they are in this state. What is changed of them here
            is stored by nobody.
    """

    def __init__(self, machines: AsyncPersistedMachines, snapshot: StateSnapshot, ran: Ran) -> None:
        """Show *snapshot*; *ran* is what the library makes of it."""
        self._machines = machines
        self._show(snapshot, ran)
        self.governor_id = snapshot.governor_id
        self.state_id = snapshot.state_id

    def _show(self, snapshot: StateSnapshot, ran: Ran) -> None:
        self.snapshot = snapshot
        self.machine, self.model = ran.machine, ran.model

    @property
    def status(self) -> str:
        """The states that it is in, as one text: ``names`` has them one by one."""
        return self.snapshot.status

    @property
    def names(self) -> tuple[str, ...]:
        """The states that it is in, sorted."""
        return names_of(self.snapshot.status)

    @property
    def version(self) -> int:
        """How often it was changed."""
        return self.snapshot.version

    @property
    def data(self) -> dict[str, Any]:
        """What is stored of the model."""
        return self.snapshot.data

    async def reload(self) -> None:
        """Show the state as it is now.

        Raises:
            StateNotFoundError: It was deleted.
        """
        loaded = await self._machines.load(self.governor_id, self.state_id)
        self.snapshot, self.machine, self.model = loaded.snapshot, loaded.machine, loaded.model

    async def fire(
        self,
        action: str,
        payload: object = None,
        *,
        idempotency_key: str | None = None,
        expected_version: int | None = None,
        expected_status: str | None = None,
        metadata: ChangeMetadata | None = None,
        lock: AsyncLock | AsyncLockSet | None = None,
        timeout: float | timedelta | None = None,
    ) -> TransitionResult:
        """Fire the event *action*, in one commit, on the state as it is stored; then call its effects, once.

        Guards, and whatever else comes before the commit, run on the state that is read, and again where another
        writer was faster. Behind the commit the effects run here, and nowhere else: not where the key was used before,
        and not where this process dies in between. What they send is fired next, each in a commit of its own, under
        no key.

        Args:
            payload: JSON-like; a dict becomes the callbacks' keyword arguments, anything else their only one.

        Raises:
            TransitionNotAllowedError: The machine does not allow it; what it raised is the cause.
            MoverError: A callback failed before the commit; nothing was written.
            EffectsFailedError: The move was made, and an effect failed; what it raised is the cause.
            TaiStateError: As of ``transition`` of a persister.
        """
        recording = Recording(self._machines.definition)
        result = await self._machines.persister.with_mover(recording).transition(
            self.governor_id,
            self.state_id,
            action,
            payload,
            expected_version=expected_version,
            expected_status=expected_status,
            idempotency_key=idempotency_key,
            metadata=metadata,
            lock=lock,
            error=KEEP,
            timeout=timeout,
        )
        ran = None if result.replayed else recording.ran
        if ran is None:
            self._show(result.snapshot, self._machines.shown(result.snapshot))
            return result
        self._show(result.snapshot, ran)
        await self.follow(result, ran, metadata, timeout)
        return result

    async def follow(
        self,
        result: TransitionResult,
        ran: Ran,
        metadata: ChangeMetadata | None = None,
        timeout: float | timedelta | None = None,
    ) -> None:
        """Call the effects of a move that was made, and fire what they send."""
        event = result.event
        try:
            await self._follow(ran, metadata, timeout)
        except Exception as error:
            problem = f"raised {type(error).__name__}"
            told = (event.governor_id, event.state_id, event.version, event.action)
            raise EffectsFailedError(*told, problem) from error

    async def _follow(self, ran: Ran, metadata: ChangeMetadata | None, timeout: float | timedelta | None) -> None:
        waiting = await _async_called(ran)
        for _ in range(SENT_MAX):
            if not waiting:
                return
            action, payload = waiting.pop(0)
            waiting += await _async_called(await self._fire_next(action, payload, metadata, timeout))
        if waiting:
            message = f"effects have sent more than {SENT_MAX} events, one after the other"
            raise RuntimeError(message)

    async def _fire_next(
        self, action: str, payload: Any, metadata: ChangeMetadata | None, timeout: float | timedelta | None
    ) -> Ran:
        recording = Recording(self._machines.definition)
        persister = self._machines.persister.with_mover(recording)
        result = await persister.transition(
            self.governor_id, self.state_id, action, payload, metadata=metadata, timeout=timeout
        )
        assert recording.ran is not None
        self._show(result.snapshot, recording.ran)
        return recording.ran


async def _async_called(ran: Ran) -> list[tuple[str, Any]]:
    """Call the effects of a run, and return what they ask for."""
    ran.outbox.is_open = True
    try:
        for effect in ran.effects:
            await async_finish(effect())
    finally:
        ran.outbox.is_open = False
    return ran.outbox.taken()


class AsyncPersistedMachines:
    """The states of a machine of another library, in a store.

    Attributes:
        definition: The machine as a ``Mover``: for ``machines=`` of other persisters, for workers and transactions.
            Moves that are made so have no effects.
        persister: What moves the states, and reads and checks them.
    """

    def __init__(self, definition: Definition, store: AsyncStateStore, config: PersistenceConfig | None = None) -> None:
        """Keep the states of *definition* in *store*."""
        self.definition = definition
        self.persister: AsyncStateMachinePersister[dict[str, Any]] = AsyncStateMachinePersister(
            store, definition, config
        )

    async def start(
        self,
        governor_id: str,
        state_id: str,
        data: Mapping[str, Any] | None = None,
        *,
        depends_on: Iterable[str] = (),
        labels: Mapping[str, str | None] | None = None,
        idempotency_key: str | None = None,
        metadata: ChangeMetadata | None = None,
        timeout: float | timedelta | None = None,
    ) -> AsyncPersistedMachine:
        """Create a state where the machine begins, with the attributes *data*; then call the effects, once.

        Raises:
            StateExistsError: It is there already, and *idempotency_key* is not that of who made it.
            MoverError, EffectsFailedError: As for ``fire``.
        """
        recording = Recording(self.definition)
        result = await self.persister.with_mover(recording).start(
            governor_id,
            state_id,
            data,
            depends_on=depends_on,
            labels=labels,
            metadata=metadata,
            idempotency_key=idempotency_key,
            timeout=timeout,
        )
        if result.replayed or recording.ran is None:
            return AsyncPersistedMachine(self, result.snapshot, self.shown(result.snapshot))
        machine = AsyncPersistedMachine(self, result.snapshot, recording.ran)
        await machine.follow(result, recording.ran, metadata, timeout)
        return machine

    async def load(
        self, governor_id: str, state_id: str, *, timeout: float | timedelta | None = None
    ) -> AsyncPersistedMachine:
        """Return a state; nothing of the machine runs.

        Raises:
            StateNotFoundError: There is none.
            MoverError: The machine does not have the status that is stored: its definition has changed.
        """
        loaded = await self.persister.load_state(governor_id, state_id, timeout=timeout)
        return AsyncPersistedMachine(self, loaded.snapshot, self.shown(loaded.snapshot))

    def shown(self, snapshot: StateSnapshot) -> Ran:
        """Return what the library makes of a state."""
        return self.definition.at(snapshot.status, snapshot.data)
