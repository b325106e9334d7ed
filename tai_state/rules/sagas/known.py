"""The definitions that a runner knows: by name the newest, by fingerprint all of them."""

from collections.abc import Iterable, Iterator

from tai_state.config import check_kind
from tai_state.errors import ConfigurationError
from tai_state.rules.records.record import StateRecord
from tai_state.rules.sagas.definition import Saga, Step


class Known:
    """Some definitions, and their earlier versions."""

    def __init__(self, sagas: Iterable[Saga]) -> None:
        """Take *sagas*.

        Raises:
            ConfigurationError: One is none, or two have one name.
        """
        self._names: dict[str, Saga] = {}
        self._all: dict[str, Saga] = {}
        for saga in sagas:
            check_kind(saga, Saga, "each of the sagas")
            if saga.name in self._names:
                message = f"two sagas are called {saga.name!r}; an earlier definition goes into the other's versions"
                raise ConfigurationError(message)
            self._names[saga.name] = saga
            self._all |= {one.fingerprint: one for one in (saga, *saga.versions)}

    def machine_names(self) -> list[str]:
        """Return the names of their machines, under which their sagas are due."""
        return [saga.machine.name for saga in self._names.values()]

    def steps(self) -> Iterator[Step]:
        """Iterate over the steps of all."""
        for saga in self._all.values():
            yield from saga.steps

    def by_name(self, name: str) -> Saga:
        """Return the newest definition of a name.

        Raises:
            ConfigurationError: There is none.
        """
        if name not in self._names:
            message = f"this runner has no saga {name!r}; it has: {', '.join(self._names) or 'none'}"
            raise ConfigurationError(message)
        return self._names[name]

    def of(self, record: StateRecord) -> Saga | None:
        """Return the definition by which a saga goes on; None: it is not known here."""
        return None if record.machine is None else self._all.get(record.machine.fingerprint)
