"""Commands for the file of a SQLite store: elsewhere backups are the engine's own."""

import click

from tai_state.cli.program.session import Session
from tai_state.urls import parse_url

_BACKUP = "gcloud firestore backups schedules create --database={database} --recurrence=daily --retention=7d"
_RESTORE = (
    "gcloud firestore databases restore --source-backup=projects/PROJECT/locations/LOCATION/backups/BACKUP "
    "--destination-database=DATABASE"
)


def sqlite_path(session: Session) -> str:
    """Return the path of the store's file.

    Raises:
        UsageError: The store has none; says what to do instead.
    """
    url = parse_url(session.place)
    if url.scheme == "sqlite":
        return url.path
    if url.scheme == "firestore":
        backup = _BACKUP.format(database=f"'{url.database}'")
        message = (
            f"{url.text} is backed up by Firestore itself: `{backup}`, and restored into a new database: `{_RESTORE}`; "
            "`tai-state export` writes a file that any store can import"
        )
    elif url.scheme == "redis":
        message = (
            f"{url.text} is backed up by the server itself: `redis-cli BGSAVE`, and a copy of the file that CONFIG GET "
            "dbfilename names; `tai-state export` writes a file that any store can import"
        )
    else:
        message = f"{url.text} ends with its process, and has no backup; `tai-state export` writes a file of any store"
    raise click.UsageError(message)
