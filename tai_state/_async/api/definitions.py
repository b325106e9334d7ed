"""Whether the machines of a store have one definition each: for ``doctor``, and for who deploys."""

from collections.abc import Iterable
from typing import Any

from tai_state._async.api.store import AsyncStateStore
from tai_state.clock import TimeLimit
from tai_state.layout import check_governor_id
from tai_state.machine import Machine, Mover
from tai_state.machine.mover import driver_of
from tai_state.models import Problem
from tai_state.rules.history.damaged import Damaged
from tai_state.rules.recovery.definitions import Definitions
from tai_state.rules.transactions.dependents.reactions import known_machines


async def async_check_machines(
    store: AsyncStateStore,
    governor_id: str | None = None,
    *,
    machines: Iterable[Machine[Any] | Mover] = (),
    timeout: TimeLimit = None,
) -> list[Problem]:
    """Return a ``machine_redefined`` for each machine and version of which there are several definitions.

    Definitions are told apart by the ``fingerprint`` that stands in each state with its machine's name and version:
    those that moved its states last, and *machines*, those that are known here. Nothing is written. Each state document
    is read once, of a governor or of all; what cannot be read is left out, since ``verify`` tells it.

    Args:
        machines: At most one of each name.
        timeout: Bounds each page that is read.

    Raises:
        ConfigurationError: Two different *machines* have one name.
    """
    definitions = Definitions(known_machines(None, map(driver_of, machines)).values())
    governors = [check_governor_id(governor_id)] if governor_id is not None else None
    if governors is None:
        governors = [one async for one in store.list_governors(timeout=timeout)]
    for one in governors:
        async for record in store.runtime.records(one, Damaged(one), timeout=timeout):
            definitions.add(record)
    return definitions.problems()
