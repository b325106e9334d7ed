"""A database that is set up by what is in infra/ is one that the doctor finds sound."""

import json

import pytest
from google.auth.credentials import AnonymousCredentials

from tai_state.backends.firestore.checkups import examine
from tai_state.backends.firestore.client import Connection
from tests.integration.backends.firestore_admin_loopback import CONTAINING, DATABASE, AdminLoopback
from tests.unit.infra.terraform import INFRA

FILE = json.loads((INFRA / "firestore" / "firestore.indexes.json").read_text(encoding="utf-8"))


@pytest.fixture
def database():
    loopback = AdminLoopback()
    for field in FILE["fieldOverrides"]:
        if field.get("ttl"):
            loopback.expire_field(field["collectionGroup"], field["fieldPath"])
        else:
            scopes = [index["queryScope"] for index in field["indexes"]]
            is_list = any("arrayConfig" in index for index in field["indexes"])
            loopback.index_field(
                field["collectionGroup"], field["fieldPath"], *scopes, **(CONTAINING if is_list else {})
            )
    for index in FILE["indexes"]:
        loopback.make_declared(index)
    yield loopback
    loopback.stop()


def told(database):
    """Return what the doctor says, by what was looked at."""
    connection = Connection(DATABASE, "unused", AnonymousCredentials(), is_emulator=False)
    return {line.check: line for line in examine(connection, "", 10.0, **database.ways())}


def test_what_is_set_up_is_sound(database):
    """All fields are exempt, and each that is asked for is indexed; what expires has its policy."""
    statuses = {name: line.status for name, line in told(database).items()}
    assert statuses == {"indexes": "ok", "ttl": "ok", "rules": "ok"}


def test_a_field_that_was_left_out_is_found(database):
    """By the doctor, too."""
    database.fields = [field for field in database.fields if not field.name.endswith("/events/fields/timestamp")]
    line = told(database)["indexes"]
    assert line.status == "problem"
    assert line.mend.startswith(
        "gcloud firestore indexes fields update timestamp --collection-group=events --index=order="
    )
