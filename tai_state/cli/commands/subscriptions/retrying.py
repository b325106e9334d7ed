"""``subscriptions retry``."""

import click

from tai_state.cli.commands.subscriptions.known import named
from tai_state.cli.program.command import Command
from tai_state.cli.program.output import write_one
from tai_state.cli.program.session import Session, pass_session


@click.command(
    "retry",
    cls=Command,
    examples=[
        "tai-state --store sqlite:///i.db subscriptions retry mail order-service order-17",
        "tai-state --store sqlite:///i.db subscriptions retry mail --all",
    ],
)
@click.argument("name")
@click.argument("governor", required=False)
@click.argument("state", required=False)
@click.option("--version", "version", type=click.IntRange(min=1), metavar="N", help="Of this version alone.")
@click.option("--all", "is_all", is_flag=True, help="All that there are.")
@pass_session
def retry(
    session: Session, name: str, governor: str | None, state: str | None, version: int | None, *, is_all: bool
) -> int:
    """Have dead letters delivered again by the workers, with as many attempts as at first.

    Those of a state, of one version of it, or all. What was trimmed before it was delivered is nowhere, and cannot be
    delivered any more. Exit code 1 where nothing is to be retried.
    """
    if (governor is None or state is None) is not is_all:
        message = "name a governor and a state, or give --all"
        raise click.UsageError(message)
    with session.writing() as store:
        subscription = named(store, name)
        letters = [
            letter
            for letter in subscription.dead_letters(limit=None)
            if (is_all or (letter.governor_id, letter.state_id) == (governor, state))
            and version in {None, letter.version}
        ]
        gaps = [letter for letter in letters if letter.code == "history_trimmed"]
        retried = sum(subscription.retry(letter) for letter in letters if letter not in gaps)
    fields = {"subscription": name, "retried": retried, "trimmed": len(gaps) or ""}
    write_one(fields, as_json=session.as_json, record={"subscription": name, "retried": retried, "trimmed": len(gaps)})
    return int(not retried)
