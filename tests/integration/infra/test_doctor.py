"""A database that is set up by what is in infra/ is one that the doctor finds sound."""

import json

import pytest

from tests.integration.backends.firestore_admin_loopback import AdminLoopback
from tests.integration.backends.test_firestore_checkups import lines
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
            loopback.index_field(field["collectionGroup"], field["fieldPath"], *scopes)
    for index in FILE["indexes"]:
        names = [field["fieldPath"] for field in index["fields"]]
        loopback.make_index(index["collectionGroup"], *names, scope=index["queryScope"])
    yield loopback
    loopback.stop()


def test_what_is_set_up_is_sound(database):
    """All fields are exempt, and each that is asked for is indexed; what expires has its policy."""
    assert {name: line.status for name, line in lines(database).items()} == {
        "indexes": "ok",
        "ttl": "ok",
        "rules": "ok",
    }


def test_a_field_that_was_left_out_is_found(database):
    """By the doctor, too."""
    database.fields = [field for field in database.fields if not field.name.endswith("/events/fields/timestamp")]
    line = lines(database)["indexes"]
    assert line.status == "problem"
    assert line.mend.startswith(
        "gcloud firestore indexes fields update timestamp --collection-group=events --index=order="
    )
