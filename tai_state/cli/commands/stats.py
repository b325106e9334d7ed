"""``stats``: how much a governor holds, or each of them."""

from collections.abc import Iterator

import click

from tai_state import StateStore, StoreStats
from tai_state.cli.program.command import Command
from tai_state.cli.program.failures import GovernorNotFoundError
from tai_state.cli.program.output import note, record_of, write_list, write_one
from tai_state.cli.program.session import Session, pass_session
from tai_state.cli.program.tables import Column

_STATS_COLUMNS: list[Column[StoreStats]] = [
    Column("governor", lambda found: found.governor_id),
    Column("states", lambda found: found.states, is_number=True),
    Column("deleted", lambda found: found.deleted, is_number=True),
    Column("events", lambda found: found.events, is_number=True),
    Column("versions", lambda found: found.versions, is_number=True),
    Column("highest", lambda found: found.highest_version, is_number=True),
    Column("by status", lambda found: ", ".join(f"{name} {count:,}" for name, count in found.by_status.items())),
]


@click.command(
    cls=Command, examples=["tai-state --store sqlite:///i.db stats", "tai-state --store sqlite:///i.db stats shop-1"]
)
@click.argument("governor", required=False)
@pass_session
def stats(session: Session, governor: str | None) -> None:
    """Count the states and events of a governor, or of each."""
    with session.reading() as store:
        if governor is None:
            if not write_list(_all_stats(store), _STATS_COLUMNS, as_json=session.as_json, record=record_of):
                note("the store has no governors")
            return
        found = store.stats(governor)
        if not found.states + found.deleted:
            raise GovernorNotFoundError(governor)
    fields = {column.title: column.cell(found) for column in _STATS_COLUMNS}
    write_one(fields, as_json=session.as_json, record=record_of(found))


def _all_stats(store: StateStore) -> Iterator[StoreStats]:
    for governor in store.list_governors():
        yield store.stats(governor)
