"""``erase``: what a state held, gone for good."""

import click

from tai_state.cli.program.asking import ask
from tai_state.cli.program.command import Command
from tai_state.cli.program.output import record_of, write_one
from tai_state.cli.program.session import Session, pass_session


@click.command(
    cls=Command,
    examples=[
        "tai-state --store sqlite:///i.db erase shop-1 order-17 --reason 'asked for by the customer' --yes",
        "tai-state --store sqlite:///i.db erase shop-1 --reason 'the shop has closed' --yes",
    ],
)
@click.argument("governor")
@click.argument("state", required=False)
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_session
def erase(session: Session, governor: str, state: str | None, *, yes: bool) -> None:
    """Erase all that a state, or every state of a governor, ever held; nothing brings it back.

    Data, payloads, authors, reasons, errors and keys go, from events, segments, snapshots, receipts, audit and
    quarantine. Ids, versions, times, statuses and actions stay, with the hashes that prove them, and a tombstone. A
    reason is needed (--reason). An SQLite file is built anew. What is stopped half way is ended by recover.
    """
    reason = session.required_reason("what a state held is erased")
    if not yes:
        what = f"all that state {state!r} held" if state is not None else f"all that governor {governor!r} held"
        ask(f"Erase {what}, for good?", "it may go for good")
    with session.writing() as store:
        if state is None:
            report = store.erase_governor(governor, reason=reason)
        else:
            report = store.erase_state(governor, state, reason=reason)
    fields = {"governor": governor, "state": state or ""}
    counts = ("states", "events", "segments", "snapshots", "receipts", "records")
    fields |= {name: f"{count:,}" for name in counts if (count := getattr(report, name))}
    write_one(fields, as_json=session.as_json, record=record_of(report))
