"""``due run``."""

from typing import Any

import click

from tai_state.cli.commands.due.serving import shards_option, worker_of
from tai_state.cli.program.command import Command
from tai_state.cli.program.logs import writing_logs
from tai_state.cli.program.operating import machine_option, upcasters_option
from tai_state.cli.program.output import put
from tai_state.cli.program.session import Session, pass_session
from tai_state.cli.program.texts import json_line
from tai_state.counts import counted


@click.command(
    cls=Command,
    examples=[
        "tai-state --store sqlite:///i.db due run --once --machine order.json",
        "tai-state --store sqlite:///i.db due run --once --machine shop:ORDER --shards 4",
    ],
)
@machine_option("Moves of its states are made; more of them may be given.", required=True)
@click.option("--once", "is_once", is_flag=True, help="Make the moves that are due now, and end.")
@click.option(
    "--poll", type=click.FloatRange(min=0.1), default=5.0, metavar="SECONDS", help="How often to look at least; 5."
)
@shards_option
@upcasters_option("Bring older data to the schema of the machine")
@pass_session
def run(
    session: Session,
    machines: tuple[str, ...],
    upcasters: dict[int, Any] | None,
    *,
    is_once: bool,
    poll: float,
    shards: int,
) -> None:
    """Make the moves that are due, and go on with those that come due.

    Any number of them may run at once, beside services that do the same: each move is made once. What is not allowed
    is recorded as refused. It may be killed at any time: what is due is left to the next one.

    A machine with guards or applies is named as module:name; a file knows their names only.
    """
    with writing_logs(session.settings.telemetry), session.writing() as store:
        worker = worker_of(store, machines, shards=shards, upcasters=upcasters, poll=poll)
        if not is_once:
            worker.run()
            return
        made = worker.run_once()
    put(json_line({"made": made}) if session.as_json else f"{counted(made, 'move')} made")
