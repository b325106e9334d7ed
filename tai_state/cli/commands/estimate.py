"""``estimate``: what a load would ask of Firestore."""

from dataclasses import asdict
from pathlib import Path

import click

from tai_state import Maintenance
from tai_state.cli.program.command import Command
from tai_state.cli.program.output import note, write_one
from tai_state.cli.program.session import Session, pass_session
from tai_state.scale import Estimate, Load, Near, Prices, near, prices
from tai_state.scale import estimate as estimated
from tai_state.scale.estimate import GIB


@click.command(
    cls=Command,
    examples=[
        "tai-state estimate --machines 1000000 --moves-per-second 1000 --data-bytes 500",
        "tai-state estimate --machines 10000 --moves-per-second 10 --data-bytes 500 --keyed 1 --region nam5 --json",
    ],
)
@click.option("--machines", type=click.IntRange(min=1), required=True, help="How many states there are.")
@click.option(
    "--moves-per-second", type=click.FloatRange(min=0), required=True, help="Changes of all of them together."
)
@click.option("--data-bytes", type=click.IntRange(min=0), required=True, help="What the data of one state takes.")
@click.option("--segment-events", type=click.IntRange(min=1), default=100, show_default=True, help="Events a segment.")
@click.option("--keyed", type=click.FloatRange(0, 1), default=0.0, help="The share of moves with an idempotency key.")
@click.option("--known", type=click.FloatRange(0, 1), default=0.0, help="The share of moves that need not read.")
@click.option("--months", type=click.FloatRange(min=0), default=1.0, show_default=True, help="How old the history is.")
@click.option("--region", help="The location whose prices count; without it the first one of the table.")
@click.option("--prices", "table", type=click.Path(dir_okay=False, path_type=Path), help="A price table of your own.")
@pass_session
def estimate(
    session: Session,
    *,
    machines: int,
    moves_per_second: float,
    data_bytes: int,
    segment_events: int,
    keyed: float,
    known: float,
    months: float,
    region: str | None,
    table: Path | None,
) -> None:
    """Tell what a load would ask of Firestore: documents, storage, billed operations, money, and limits.

    No store is asked. The prices are those of a table whose source and date are told: check them for your location.
    What your services read, locks and transactions are not in it.
    """
    load = Load(
        machines=machines,
        moves_per_second=moves_per_second,
        data_bytes=data_bytes,
        keyed=keyed,
        known=known,
        months=months,
    )
    maintenance = Maintenance(segment_events=segment_events)
    listed = prices(region, table)
    found = estimated(load, listed, maintenance)
    limits = near(found, maintenance)
    write_one(_fields(found, listed, limits), as_json=session.as_json, record=_as_json(found, listed, limits))
    note(f"prices of {listed.region} as of {listed.as_of}, from {listed.source}: {listed.note}")


def _as_json(found: Estimate, listed: Prices, limits: list[Near]) -> dict[str, object]:
    told = {"total": found.total, "writes_per_second": found.writes_per_second}
    return {**asdict(found), **told, "prices": asdict(listed), "limits": [asdict(one) for one in limits]}


def _fields(found: Estimate, listed: Prices, limits: list[Near]) -> dict[str, object]:
    def priced(name: str, amount: str) -> str:
        return f"{amount}, {found.money[name]:,.2f} {listed.currency} a month"

    near_to = [f"{one.share:,.1f} of {one.limit}: {one.turn}" for one in limits]
    return {
        "documents": "\n".join(f"{kind:10} {count:,}" for kind, count in found.documents.items()),
        "storage": priced("storage", f"{found.bytes / GIB:,.2f} GiB"),
        "reads": priced("reads", f"{round(found.reads):,}"),
        "writes": priced("writes", f"{round(found.writes):,}"),
        "deletes": priced("deletes", f"{round(found.deletes):,}"),
        "altogether": f"{found.total:,.2f} {listed.currency} a month",
        "written": f"{found.writes_per_second:,.1f} documents a second",
        "limits": "\n".join(near_to) or "none is near",
    }
