"""Where a Firestore is found: forks, event loops, projects and credentials."""

import asyncio
import subprocess
import sys
import textwrap

import google.auth.credentials
import pytest
from google.cloud import firestore

from tai_state._async.backends.firestore import AsyncFirestoreBackend
from tai_state._sync.backends.firestore import FirestoreBackend
from tai_state.backends.firestore.client import Source
from tai_state.errors import ConfigurationError
from tests.integration.backends.firestore_loopback import AT, HOST, TIMEOUT, driven, put


def test_nothing_of_google_is_imported_before_first_use():
    """A backend that is made and not used costs no import of google or grpc."""
    program = """
        import sys
        from tai_state._sync.backends.firestore import FirestoreBackend
        from tai_state._async.backends.firestore import AsyncFirestoreBackend
        FirestoreBackend("p", root="a/b"), AsyncFirestoreBackend()
        print(sorted({name.partition(".")[0] for name in sys.modules} & {"google", "grpc"}))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_fork_has_a_channel_of_its_own(server):
    """A backend used before a fork works in the child and in the parent."""
    program = """
        import os
        from tai_state._sync.backends.firestore import FirestoreBackend
        backend = FirestoreBackend("p")
        backend.server_time(timeout=10)
        link = backend._channels.open()
        child = os.fork()
        assert (backend._channels.open() is link) == bool(child)
        backend.server_time(timeout=10)
        backend.close()
        if child:
            raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True, timeout=60)
    assert len(server.calls) == 3


def test_event_loops_have_channels_of_their_own(server):
    """One backend serves one event loop after the other, and forgets those that are closed."""
    backend = AsyncFirestoreBackend("p")
    for _ in range(3):
        asyncio.run(backend.commit([put()], timeout=TIMEOUT))
    assert server.rpcs() == ["Commit"] * 3
    assert len(backend._channels._links) == 1
    asyncio.run(backend.close())


@pytest.mark.parametrize("kind", [firestore.Client, firestore.AsyncClient])
def test_a_ready_client_tells_where(server, kind):
    """Project and database are those of the client that was handed in, which stays open."""
    with driven("sync", client=kind(project="theirs", database="d")) as made:
        made.commit(put())
    assert server.calls[0][2].database == "projects/theirs/databases/d"


def test_a_client_for_another_project_is_refused(server):
    """Two different answers to where the data lives are an error."""
    with pytest.raises(ConfigurationError, match="theirs"):
        FirestoreBackend("ours", client=firestore.Client(project="theirs"))


def test_something_else_than_a_client_is_refused():
    """A wrong object is an error that names what is wanted."""
    with pytest.raises(ConfigurationError, match="AsyncClient"):
        FirestoreBackend(client=object())


@pytest.mark.parametrize(
    "root", ["apps", "apps/x/y", "/apps", "apps/", "apps//x/y", "apps/..", "a/__x__", "a/\ud800", "a/" + "x" * 1_500]
)
def test_a_root_that_is_no_document_path_is_refused(root):
    """A root that could not hold a store is refused when the backend is made."""
    with pytest.raises(ConfigurationError, match="root"):
        FirestoreBackend("p", root=root)


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """No emulator, no project, no credentials, and nobody to ask for them."""
    for name in (HOST, "GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT", "GOOGLE_APPLICATION_CREDENTIALS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_a_missing_project_is_a_configuration_error(nowhere, colour):
    """Without a project the error names the variable to set, on first use."""
    with driven(colour) as made, pytest.raises(ConfigurationError, match="GOOGLE_CLOUD_PROJECT"):
        made.get_many(AT)


def test_missing_credentials_are_a_configuration_error(nowhere):
    """Without credentials the error names the command and the variable that give them."""
    with driven("sync", "p") as made, pytest.raises(ConfigurationError, match="application-default login"):
        made.get_many(AT)


class _Credentials(google.auth.credentials.Credentials):
    refreshed = 0

    def refresh(self, request):
        self.refreshed += 1


def test_credentials_are_refreshed(nowhere):
    """A refresh asks the client's own credentials for a new token."""
    credentials = _Credentials()
    source = Source(None, "(default)", firestore.Client(project="p", credentials=credentials))
    source.refresh_credentials()
    assert credentials.refreshed == 1
