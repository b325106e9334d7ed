"""``adopt firestore-collection``."""

from typing import Unpack

import click

from tai_state.cli.commands.adopt.running import Asked, asked_options, run_adoption
from tai_state.cli.program.command import Command
from tai_state.cli.program.session import Session, pass_session
from tai_state.urls import parse_url


@click.command(
    "firestore-collection",
    cls=Command,
    examples=[
        "tai-state --store firestore:// adopt firestore-collection orders --status-field state --dry-run",
        "tai-state --store firestore:// adopt firestore-collection shops/s-1/orders --status-field state",
    ],
)
@click.argument("path")
@click.option("--project", metavar="ID", help="Whose collection; else the store's, or as the official client finds it.")
@click.option("--database", metavar="ID", help="In which database; else the store's.")
@click.option(
    "--history-key", "key_field", metavar="FIELD", help="--history is a collection; FIELD names the document."
)
@asked_options()
@pass_session
def firestore_collection(
    session: Session,
    path: str,
    *,
    project: str | None,
    database: str | None,
    key_field: str | None,
    **asked: Unpack[Asked],
) -> int:
    """Make a state of each document of a Firestore collection, once.

    PATH is a collection, such as orders or shops/s-1/orders; it is only read. The id is the document's, unless
    --id-field names a field; the governor is named like the collection, unless it is given. --history names the
    subcollection of each document that holds its earlier moves, or with --history-key a collection.

    Killed at any point and run again, it goes on behind the last page. A document that cannot become a state is named
    with its field, and the exit code is 1; so it is where a document has changed since it was adopted, which no state
    is written over for.
    """
    from tai_state.adoption import CollectionSource  # noqa: PLC0415 - `--help` waits for nothing of the library

    store = parse_url(session.place)

    def source() -> CollectionSource:
        whose, where = project or store.project, database or store.database
        return CollectionSource(path, project=whose, database=where, moves_key=key_field)

    return run_adoption(session, source, asked, key_field=key_field)
