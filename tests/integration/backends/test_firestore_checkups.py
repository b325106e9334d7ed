"""What a Firestore database tells a doctor: indexes, TTL policies and security rules, by APIs on loopback."""

import grpc
import pytest
from google.auth.credentials import AnonymousCredentials

from tai_state.backends.firestore.checkups import NAMES, asking, examine, indexing
from tai_state.backends.firestore.client import Connection
from tai_state.indexes import Asked, Index, Mode, index_of
from tests.integration.backends.firestore_admin_loopback import DATABASE, AdminLoopback

CONNECTION = Connection(DATABASE, "unused", AnonymousCredentials(), is_emulator=False)
GROUPS = ("prepared", "receipts", "transactions", "waits")
FLAG = "--project=p --database='(default)'"


@pytest.fixture
def database():
    loopback = AdminLoopback()
    for group in GROUPS:
        loopback.expire_field(group, "tai_expires_at")
    loopback.make_needed()
    yield loopback
    loopback.stop()


def lines(database, root=""):
    """Return what is said, by what was looked at."""
    return {line.check: line for line in examine(CONNECTION, root, 10.0, **database.ways())}


def test_a_database_as_it_should_be_is_sound(database):
    """Three lines, and nothing to mend."""
    told = lines(database)
    assert list(told) == list(NAMES)
    assert {line.status for line in told.values()} == {"ok"}


def test_an_emulator_has_nothing_to_ask():
    """That is said, for each of them."""
    connection = Connection(DATABASE, "unused", None, is_emulator=True)
    assert [(one.check, one.status) for one in examine(connection, "", 10.0)] == [
        (name, "not checkable") for name in NAMES
    ]


@pytest.mark.parametrize(
    ("group", "name"), [("states", "status"), ("events", "timestamp"), ("segments", "alone"), ("states", "*")]
)
def test_a_field_that_is_exempt_from_indexes_is_a_problem(database, group, name):
    """By itself or with all of its group; with what indexes it all the same."""
    database.index_field(group, name)
    line = lines(database)["indexes"]
    assert line.status == "problem"
    assert f"--collection-group={group} --index=order=ascending {FLAG}" in line.mend


def test_no_field_is_indexed_where_the_default_says_so(database):
    """Unless something is said of the field itself."""
    database.index_field("__default__", "*")
    for name in ("status", "deleted", "machine_name"):
        database.index_field("states", name, "COLLECTION")
    line = lines(database)["indexes"]
    assert line.status == "problem"
    assert line.message.startswith("events.timestamp, prepared.is_open, segments.alone not indexed")


def test_a_field_of_another_scope_is_not_indexed(database):
    """An index of the collection group serves no query of a collection."""
    database.index_field("events", "timestamp", "COLLECTION_GROUP")
    assert lines(database)["indexes"].status == "problem"


def test_fields_that_are_said_to_be_indexed_are(database):
    """And of others nothing is asked."""
    database.index_field("__default__", "*", "COLLECTION")
    database.index_field("events", "timestamp", "COLLECTION", "COLLECTION_GROUP")
    database.index_field("states", "data")
    assert lines(database)["indexes"].status == "ok"


def test_a_list_that_is_not_indexed_in_all_collections_is_a_problem(database):
    """With the command that makes the index, in its mode and scope; that of a composite one, too."""
    labels = [one for one in database.fields if "/labels" in one.name]
    database.fields = [one for one in database.fields if one not in labels]
    line = lines(database)["indexes"]
    assert line.status == "problem"
    assert "labels contains (of the collection group 'states')" in line.message
    assert line.mend == (
        "gcloud firestore indexes fields update labels --collection-group=states "
        f"--index=array-config=contains,query-scope=collection-group {FLAG}"
    )
    database.fields += labels
    database.indexes = [one for one in database.indexes if one.fields[0].field_path != "labels"]
    line = lines(database)["indexes"]
    assert line.status == "problem"
    assert "--field-config=field-path=labels,array-config=contains" in line.mend
    assert "--field-config=field-path=__name__,order=descending" in line.mend


@pytest.fixture
def composite(monkeypatch):
    """A query that needs an index which somebody must make."""
    index = index_of(Asked("states", equal=("status",), within="due_at", is_group=True))
    monkeypatch.setattr(indexing, "needed", lambda: [index])


@pytest.mark.usefixtures("composite")
def test_an_index_that_is_missing_is_a_problem(database):
    """With the command that makes it; one of other fields, or of a collection, is another one."""
    database.make_index("states", "due_at", "status", scope="COLLECTION_GROUP")
    database.make_index("states", "status", "due_at")
    line = lines(database)["indexes"]
    assert line.status == "problem"
    assert line.mend == (
        "gcloud firestore indexes composite create --collection-group=states --query-scope=collection-group "
        f"--field-config=field-path=status,order=ascending --field-config=field-path=due_at,order=ascending {FLAG}"
    )


@pytest.mark.usefixtures("composite")
@pytest.mark.parametrize(("state", "status"), [("READY", "ok"), ("CREATING", "warning"), ("NEEDS_REPAIR", "warning")])
def test_an_index_that_was_made_serves_once_it_is_built(database, state, status):
    """Till then it is a warning."""
    database.make_index("states", "status", "due_at", scope="COLLECTION_GROUP", state=state)
    assert lines(database)["indexes"].status == status


def test_a_descending_index_is_asked_for_as_that(database, monkeypatch):
    """In its command."""
    monkeypatch.setattr(
        indexing, "needed", lambda: [Index("jobs", (("queue", Mode.ASCENDING), ("priority", Mode.DESCENDING)))]
    )
    line = lines(database)["indexes"]
    assert "field-path=priority,order=descending" in line.mend
    assert "--query-scope=collection " in line.mend


def test_a_ttl_policy_that_is_missing_is_a_warning(database):
    """Nothing breaks, but something grows."""
    database.fields = [one for one in database.fields if "/waits/" not in one.name]
    line = lines(database)["ttl"]
    assert line.status == "warning"
    assert line.mend == (
        f"gcloud firestore fields ttls update tai_expires_at --collection-group=waits --enable-ttl {FLAG}"
    )


def test_a_ttl_policy_that_is_broken_is_a_warning(database):
    """One that is being made is none."""
    database.fields = []
    for group, state in zip(GROUPS, ("ACTIVE", "ACTIVE", "CREATING", "NEEDS_REPAIR"), strict=True):
        database.expire_field(group, "tai_expires_at", state)
    line = lines(database)["ttl"]
    assert (line.status, line.message) == ("warning", "the TTL policy of waits could not be built")


def test_a_policy_of_another_field_is_none_of_ours(database):
    """Whose documents it removes is somebody else's business."""
    database.fields = []
    for group in GROUPS:
        database.expire_field(group, "other")
    assert lines(database)["ttl"].status == "warning"


@pytest.mark.parametrize(
    ("is_signed_in", "method", "status"),
    [(False, "get", "problem"), (False, "delete", "problem"), (True, "update", "warning")],
)
def test_rules_that_let_apps_at_states_are_told(database, is_signed_in, method, status):
    """Anybody is worse than whoever has an account."""
    database.allowed = {(is_signed_in, method)}
    line = lines(database)["rules"]
    assert line.status == status
    assert f"{method} states" in line.message
    assert line.mend.startswith("firebase deploy --only firestore:rules")


def test_without_rules_nobody_gets_in(database):
    """No app at least."""
    database.ruleset = None
    assert lines(database)["rules"].status == "ok"


def test_rules_are_asked_about_the_place_of_the_store(database):
    """Below its root, in its database, by the API's own evaluation; nothing is written."""
    lines(database, root="apps/billing")
    assert "/v1/projects/p/releases/cloud.firestore" in database.asked
    path, body = database.asked[-1]
    assert path == "/v1/projects/p/rulesets/1:test"
    asked = {case["request"]["path"] for case in body["testSuite"]["testCases"]}
    assert asked == {"/databases/(default)/documents/apps/billing/governors/doctor/states/doctor"}


def test_rules_of_a_named_database_are_its_own(database):
    """Their release is called after it."""
    connection = Connection("projects/p/databases/d", "unused", None, is_emulator=False)
    examine(connection, "", 10.0, **database.ways())
    assert "/v1/projects/p/releases/cloud.firestore/d" in database.asked


def test_who_may_not_ask_is_told_which_role_it_takes(database):
    """Each line by itself: what one API refuses another one may tell."""
    database.refusal = grpc.StatusCode.PERMISSION_DENIED
    told = lines(database)
    assert {name: told[name].status for name in NAMES} == {
        "indexes": "not checkable",
        "ttl": "not checkable",
        "rules": "ok",
    }
    assert "you may not" in told["ttl"].message
    assert told["ttl"].mend.endswith("--role=roles/datastore.viewer")
    database.refusal, database.status = None, 403
    told = lines(database)
    assert (told["indexes"].status, told["rules"].status) == ("ok", "not checkable")
    assert told["rules"].mend.endswith("--role=roles/firebaserules.viewer")


def test_an_answer_that_is_none_is_not_checkable(database, monkeypatch):
    """Such as one of a proxy."""

    def refuse(*_):
        raise KeyError("testResults")

    monkeypatch.setattr(asking.Asking, "denied", refuse)
    assert lines(database)["rules"].status == "not checkable"
