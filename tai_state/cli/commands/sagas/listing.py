"""``sagas list``."""

import click

from tai_state.cli.program.command import Command
from tai_state.cli.program.options import LIMIT
from tai_state.cli.program.output import moment, note, record_of, write_list
from tai_state.cli.program.session import Session, pass_session
from tai_state.cli.program.tables import Column
from tai_state.sagas import SagaRunner, SagaState

_COLUMNS: list[Column[SagaState]] = [
    Column("id", lambda row: row.saga_id),
    Column("saga", lambda row: row.saga),
    Column("status", lambda row: row.status, is_whole=True),
    Column("step", lambda row: row.step or ""),
    Column("due", lambda row: "" if row.due_at is None else moment(row.due_at), is_first_to_go=True),
    Column("changed", lambda row: moment(row.changed_at), is_first_to_go=True),
    Column("last error", lambda row: row.last_error or ""),
]
_STATUSES = ["running", "completed", "compensating", "compensated", "compensation_failed"]


@click.command(
    "list",
    cls=Command,
    examples=[
        "tai-state --store sqlite:///i.db sagas list shop",
        "tai-state --store sqlite:///i.db sagas list shop --status running",
    ],
)
@click.argument("owner", metavar="GOVERNOR")
@click.option("--status", type=click.Choice(_STATUSES), help="Only those in this status.")
@click.option("--saga", "name", metavar="NAME", help="Only those of this definition.")
@click.option("--limit", type=LIMIT, help="The most sagas to list.")
@pass_session
def list_(session: Session, owner: str, status: str | None, name: str | None, limit: int | None) -> None:
    """List the sagas of a governor, each with the step where it stands.

    "due" is when one goes on, or when the lease of the worker that has it ends.
    """
    with session.reading() as store:
        found = SagaRunner(store).list_sagas(owner, status=status, saga_name=name, limit=limit)
        if not write_list(found, _COLUMNS, as_json=session.as_json, record=record_of):
            note(f"governor {owner!r} has no such saga")
