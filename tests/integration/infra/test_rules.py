"""With the shipped rules in force nobody but servers gets at a store, whatever he asks, with whatever token."""

import http
from contextlib import closing

import pytest

from tai_state import FirestoreStore, StateMachinePersister, verify
from tai_state.layout import state_layout
from tests._sync.machines import COUNTER
from tests.integration.infra.clients import Client, put_rules, requests, unsigned
from tests.unit.infra.terraform import INFRA
from tests.unit.infra.walk import walked

RULES = (INFRA / "firestore" / "firestore.rules").read_text(encoding="utf-8")
OPEN_TO_USERS = RULES.replace("if false", "if request.auth != null")
TOKENS = {"without credentials": None, "with an unsigned token": unsigned()}

pytestmark = pytest.mark.emulator


@pytest.fixture
def project(tai_state_emulator_server, tai_state_project):
    """A project with the shipped rules, in which a service has written a state."""
    put_rules(tai_state_emulator_server.host, tai_state_project, RULES)
    with FirestoreStore(tai_state_project) as store:
        StateMachinePersister(store, COUNTER).start("g", "s", {"n": 1})
    return tai_state_project


def collections():
    """Return the path of every collection that the package writes to, seen in the writes themselves."""
    backend, _ = walked()
    return sorted(backend.paths)


def let_in(host, project, token, wanted):
    """Return the requests to the *wanted* collections that were not refused."""
    paths = state_layout("g", "s")
    with closing(Client(host, token)) as client:
        for collection in wanted:
            document = paths.state.id if collection == paths.state.collection else "any"
            for what, method, path, body in requests(project, collection, document):
                status = client.asks(method, path, body)
                if status != http.HTTPStatus.FORBIDDEN:
                    yield f"{what} {collection}: {status}"


@pytest.mark.parametrize("token", TOKENS.values(), ids=TOKENS)
def test_nobody_but_servers_gets_in(tai_state_emulator_server, project, token):
    """No collection lets anybody read, list, query, create, update, delete or commit."""
    assert list(let_in(tai_state_emulator_server.host, project, token, collections())) == []


def test_the_service_works_under_the_rules(project):
    """What it wrote is there and whole, and it goes on."""
    with FirestoreStore(project) as store:
        persister = StateMachinePersister(store, COUNTER)
        assert persister.transition("g", "s", "add", 2).snapshot.data == {"n": 3}
        assert [report.problems for report in verify(store)] == [[], []]


def test_rules_that_let_users_in_are_noticed(tai_state_emulator_server, project):
    """The unsigned token is one of a user to the emulator: the test above can fail."""
    host = tai_state_emulator_server.host
    put_rules(host, project, OPEN_TO_USERS)
    states = [state_layout("g", "s").state.collection]
    assert "get governors/g/states: 200" in list(let_in(host, project, unsigned(), states))
    assert list(let_in(host, project, None, states)) == []
