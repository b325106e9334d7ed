"""What a database tells of itself to a doctor, by the APIs of those who administer it. Reads alone.

``asking`` makes the requests: Google's own admin client, and the REST API of security rules, for which there is none.
``indexing``, ``ttl`` and ``rules`` judge the answers, a file each. An emulator has no such APIs, and whoever may work
on documents need not be allowed to ask: what cannot be asked is "not checkable", with the role that it takes.

All of this was tried against servers on loopback that answer as the APIs are documented to.
"""

from typing import Any

from tai_state.backends.firestore.client import Connection
from tai_state.models import Checkup

NAMES = ("indexes", "ttl", "rules")


def examine(connection: Connection, root: str, seconds: float, **ways: Any) -> list[Checkup]:
    """Look at the database of *connection*; *ways* are those of ``Asking``."""
    if connection.is_emulator:
        message = "an emulator has no API for it"
        return [Checkup(check=name, status="not checkable", message=message) for name in NAMES]
    # Imported here: who only works on documents has no use for the admin client.
    from tai_state.backends.firestore.checkups import indexing, rules, ttl  # noqa: PLC0415
    from tai_state.backends.firestore.checkups.asking import Asking, answered  # noqa: PLC0415

    asking = Asking(connection, root, seconds, **ways)
    try:
        return [
            answered("indexes", "roles/datastore.viewer", asking, indexing.look),
            answered("ttl", "roles/datastore.viewer", asking, ttl.look),
            answered("rules", "roles/firebaserules.viewer", asking, rules.look),
        ]
    finally:
        asking.close()
