"""Where Firestore is: names that none can have, and hosts that nobody can find, are refused before anything is sent."""

import pytest

from tai_state import AsyncFirestoreStore, ConfigurationError, FirestoreStore
from tai_state.backends.firestore.client import Source

HOST = "FIRESTORE_EMULATOR_HOST"
STORES = pytest.mark.parametrize("store", [FirestoreStore, AsyncFirestoreStore], ids=["sync", "async"])


@STORES
@pytest.mark.parametrize(
    "project", ["My_Project", "my project", "UPPER", "-p", "p-", "p/q", "..", "p\0", "\u00e9", "x" * 64, "p:80"]
)
def test_a_project_that_cannot_be_is_named(store, project):
    """When the store is made, by the name that was given."""
    with pytest.raises(ConfigurationError, match="no id of a Google Cloud project") as caught:
        store(project)
    assert repr(project) in str(caught.value)


@STORES
@pytest.mark.parametrize("database", ["Orders", "my db", "(default", "default)", "..", "d/e", "d\n", "x" * 64])
def test_a_database_that_cannot_be_is_named(store, database):
    """As a project is."""
    with pytest.raises(ConfigurationError, match="no id of a Firestore database"):
        store("p", database)


@pytest.mark.parametrize("project", ["p", "demo", "my-project-17", "example.com:old-project", "x" * 63, None])
@pytest.mark.parametrize("database", ["(default)", "orders", "a", "orders-2", "x" * 63])
def test_a_name_that_can_be_is_taken(project, database):
    """Old projects have a domain before their name, and the emulator takes short ones."""
    Source(project, database, None)


@pytest.mark.parametrize("variable", ["GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT"])
def test_a_project_of_the_environment_is_looked_at_too(monkeypatch, variable):
    """At the first use, which is when it is read."""
    for name in ("GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, "My_Project")
    monkeypatch.setenv(HOST, "127.0.0.1:1")
    with pytest.raises(ConfigurationError, match="'My_Project'"):
        Source(None, "(default)", None).connection()


@pytest.mark.parametrize(
    "host",
    ["http://127.0.0.1:8080", "https://host:1", "127.0.0.1:8080/", "localhost", "", " ", "::1:80", "h:0", "h:99999"],
)
def test_an_emulator_host_that_is_none_is_named_by_its_variable(monkeypatch, host):
    """At once, not after seconds of retries."""
    monkeypatch.setenv(HOST, host)
    with pytest.raises(ConfigurationError, match=HOST) as caught:
        Source("p", "(default)", None).connection()
    assert repr(host) in str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:1", "[::1]:80", "emulator.test:65535"])
def test_an_emulator_host_is_a_host_and_a_port(monkeypatch, host):
    """What the official client takes is taken."""
    monkeypatch.setenv(HOST, host)
    assert Source("p", "(default)", None).connection().target == host
