"""A Firestore on loopback and the real emulator, each with a backend of either colour."""

import pytest
from google.cloud import firestore

from tests.integration.backends.firestore_loopback import HOST, Loopback, driven


@pytest.fixture
def server(monkeypatch):
    loopback = Loopback()
    monkeypatch.setenv(HOST, loopback.host)
    yield loopback
    loopback.stop()


@pytest.fixture(params=["sync", "async"])
def driver(request, server):
    with driven(request.param, "p") as made:
        yield made


@pytest.fixture(params=["sync", "async"])
def real(request, tai_state_project):
    with driven(request.param, tai_state_project) as made:
        yield made


@pytest.fixture
def official(tai_state_project):
    client = firestore.Client(project=tai_state_project)
    yield client
    client._firestore_api.transport.close()
