"""What all requests share: the store, what persists in it, its locks and queues, and how much is under way."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from tai_state import (
    AsyncLockManager,
    AsyncStateMachinePersister,
    AsyncStateStore,
    ConfigurationError,
    Machine,
    PersistenceConfig,
    SystemClock,
)
from tai_state.adapters.serving import Serving
from tai_state.jobs import AsyncJobQueue
from tai_state.keys import AsyncKeys
from tai_state.sagas import AsyncSagaRunner, Saga
from tai_state.server.auth.authentication import Auth
from tai_state.server.http import refusals
from tai_state.server.http.background import Background
from tai_state.server.http.numbering import Numbering
from tai_state.server.http.rates import Rates
from tai_state.server.http.readiness import Readiness
from tai_state.server.settings import Limits

KEPT_MAX = 256
"""How many queues, groups and the like are kept at hand."""

MACHINES_KEPT_MAX = 10_000
"""Of how many states it is remembered which machine moves them, where there are several."""

T = TypeVar("T")

QueueOf = Callable[[AsyncStateStore, str], AsyncJobQueue]
"""Returns the queue of a name, with the settings that it has wherever it is used."""


class Kept(OrderedDict[Any, T]):
    """What is made when it is first asked for, and kept while it is among the newest that were asked for."""

    def __init__(self, most: int = KEPT_MAX) -> None:
        """Keep *most* of them."""
        super().__init__()
        self._most = most

    def or_made(self, name: Any, make: Callable[[], T]) -> T:
        """Return what is kept under *name*, or what *make* makes."""
        if name not in self:
            self.keep(name, make())
        self.move_to_end(name)
        return self[name]

    def keep(self, name: Any, value: T) -> None:
        """Keep *value*; the oldest one goes where there are too many."""
        self[name] = value
        while len(self) > self._most:
            self.popitem(last=False)


class Service:
    """One store, served over HTTP.

    Attributes:
        persisters: By the name of their machine.
        plain: Knows every machine, and moves nothing by one: reads, snapshots, and goes back.
        locks: Grants locks that are held by their tickets: nobody renews them here.
        serving: The requests under way, and their end.
        sagas: Starts sagas, and tells of them; brings none forward.
        readiness: Tells whether the store answers.
        numbering: Tells streams of what has changed.
        background: What takes longer than a request.
    """

    def __init__(
        self,
        store: AsyncStateStore,
        machines: Iterable[object],
        auth: Auth,
        limits: Limits,
        *,
        config: PersistenceConfig | None,
        queue: QueueOf,
        sagas: Iterable[Saga],
    ) -> None:
        """Serve *store*.

        Raises:
            ConfigurationError: It is of the other colour, two machines have one name, or one is none of ours.
        """
        # Before anything else: what is no store, or one of the other colour, is refused there.
        self.locks = AsyncLockManager(store)
        known: list[Machine[Any]] = []
        for one in machines:
            if not isinstance(one, Machine):
                message = f"the server shows what machines are made of: give it a Machine, not {one!r}"
                raise ConfigurationError(message)
            known.append(one)
        self.store = store
        self._queue_of = queue
        self.auth = auth
        self.limits = limits
        self.clock = SystemClock()
        self.persisters: Mapping[str, AsyncStateMachinePersister[Any]] = {
            machine.name: AsyncStateMachinePersister(store, machine, config, machines=known) for machine in known
        }
        if len(self.persisters) < len(known):
            message = f"two machines have one name: {', '.join(sorted(machine.name for machine in known))}"
            raise ConfigurationError(message)
        self.plain: AsyncStateMachinePersister[Any] = AsyncStateMachinePersister(store, None, config, machines=known)
        self.serving = Serving(store, limits.drain_seconds)
        self.rates = Rates(self.clock, failures=limits.failures)
        self.sagas = AsyncSagaRunner(store, sagas)
        self.readiness = Readiness(store)
        self.numbering = Numbering(store, self.serving)
        self.background = Background(self.serving, self.clock, most=limits.operations, running=limits.running)
        self._requests = 0
        self._streams = 0
        self._machine_of: Kept[str] = Kept(MACHINES_KEPT_MAX)
        self._groups: Kept[AsyncKeys] = Kept()
        self._queues: Kept[AsyncJobQueue] = Kept()

    @contextmanager
    def request(self) -> Iterator[None]:
        """Be a request under way.

        Raises:
            Refusal: There are as many as there may be.
        """
        if self._requests >= self.limits.requests:
            raise refusals.overloaded("requests")
        self._requests += 1
        try:
            with self.serving.one():
                yield
        finally:
            self._requests -= 1

    def check_stream(self) -> None:
        """Do nothing while there is room for one more stream.

        Raises:
            Refusal: There is none.
        """
        if self._streams >= self.limits.streams:
            raise refusals.overloaded("streams")

    def begin_stream(self) -> None:
        """Be a stream of changes, until ``end_stream``: no request under way, since the end waits for none.

        Raises:
            Refusal: There are as many as there may be.
        """
        self.check_stream()
        self._streams += 1

    def end_stream(self) -> None:
        """Be none any more."""
        self._streams -= 1

    # Machines

    def persister_named(self, name: str | None) -> AsyncStateMachinePersister[Any]:
        """Return what moves states by the machine *name*; None: by the only one there is.

        Raises:
            Refusal: There is none, or several.
        """
        if name is not None:
            found = self.persisters.get(name)
            if found is None:
                raise refusals.wrong("machine", f"this server knows no such machine, but {self._names()}")
            return found
        if len(self.persisters) != 1:
            raise refusals.wrong("machine", f"say which machine: this server knows {self._names()}")
        return next(iter(self.persisters.values()))

    async def persister_of(
        self, governor_id: str, state_id: str, name: str | None, timeout: float
    ) -> AsyncStateMachinePersister[Any]:
        """Return what moves a state: by the machine that was *name*d, or the one that moved it last.

        Raises:
            StateNotFoundError: There is no such state.
            Refusal: The machine is not known here.
        """
        if name is not None or len(self.persisters) <= 1:
            return self.persister_named(name)
        kept = self._machine_of.get((governor_id, state_id))
        if kept is None:
            snapshot, _ = await self.store.get_state(governor_id, state_id, timeout=timeout)
            kept = snapshot.machine_name or ""
            if kept not in self.persisters:
                raise refusals.wrong("machine", f"the state is of another machine; this server knows {self._names()}")
            self._machine_of.keep((governor_id, state_id), kept)
        return self.persisters[kept]

    def forget_machine(self, governor_id: str, state_id: str) -> None:
        """Look again which machine moves a state: it is of another one by now."""
        self._machine_of.pop((governor_id, state_id), None)

    # What is made when it is asked for

    def keys(self, group: str) -> AsyncKeys:
        """Return the keys of a group.

        Raises:
            InvalidIdError: It cannot be called so.
        """
        return self._groups.or_made(group, lambda: AsyncKeys(self.store, group))

    def queue(self, name: str) -> AsyncJobQueue:
        """Return the queue *name*.

        Raises:
            InvalidIdError: It cannot be called so.
        """
        return self._queues.or_made(name, lambda: self._queue_of(self.store, name))

    def _names(self) -> str:
        return ", ".join(sorted(self.persisters)) or "none"
