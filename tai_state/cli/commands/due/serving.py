"""The worker of the machines that a command was given."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from tai_state import StateMachinePersister
from tai_state.cli.program.operating import by_hand, given_machines
from tai_state.due import DueWorker

if TYPE_CHECKING:
    from tai_state import StateStore

shards_option: Callable[[Any], Any] = click.option(
    "--shards", type=click.IntRange(min=1), default=1, metavar="N", help="The due_shards of the services; 1."
)


def worker_of(
    store: "StateStore",
    machines: Sequence[str],
    *,
    shards: int,
    upcasters: dict[int, Any] | None = None,
    poll: float = 5.0,
) -> DueWorker:
    """Return the worker that serves *machines*, as they were named."""
    first, others = given_machines(machines)
    config = replace(by_hand(upcasters=upcasters), due_shards=shards)
    return DueWorker(StateMachinePersister(store, first, config, machines=others), poll=poll)
