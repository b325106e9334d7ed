"""What the guide says of a lost reply is what happens: both of its versions run behind a proxy that loses one."""

import re

import pytest
from google.api_core.exceptions import InvalidArgument
from google.cloud import firestore

from tai_state import FirestoreStore, StateMachinePersister
from tai_state.adoption import CollectionSource, EarlierMoves, Shape, adopt
from tai_state.testing.firestore_emulator import HOST_VARIABLE
from tests.chaos.faults import Fault, Plan
from tests.chaos.proxy import Client, Proxy
from tests.unit.docs.pages import DOCS

pytestmark = [pytest.mark.emulator, pytest.mark.more]
GUIDE = (DOCS / "adopting.md").read_text(encoding="utf-8")


class Bystander:
    """A process that nothing is done to."""

    def kill(self):
        return True

    def freeze(self):
        return True

    def thaw(self):
        pass


def version_of(fence):
    """Run the guide's version in a *fence* of that kind, and return what it defines."""
    (code,) = [one for one in re.findall(rf"```{fence}\n(.*?)```", GUIDE, re.DOTALL) if "def take_payment" in one]
    names: dict[str, object] = {}
    exec(compile(code, "adopting.md", "exec"), names)
    return names


@pytest.fixture
def client(tai_state_project):
    """The official client, past the proxy; there is an order."""
    client = firestore.Client(project=tai_state_project)
    client.document("orders/o-1").set({"state": "open", "paid": 0, "total": 100})
    yield client
    client.close()


@pytest.fixture
def lossy(tai_state_emulator_server, client, monkeypatch):
    """Have clients that are made from here on lose the reply to their first Commit; what was done is counted."""
    with Proxy(tai_state_emulator_server.host) as proxy:
        plan = Plan("", [Fault.CUT_AFTER], {})
        monkeypatch.setenv(HOST_VARIABLE, proxy.listen(Client(plan, Bystander)))
        yield proxy.counts
    assert proxy.failures == []


def paid(client):
    return client.document("orders/o-1").get().to_dict()["paid"], len(client.collection("orders/o-1/moves").get())


def test_the_version_before_takes_the_money_twice(tai_state_project, client, lossy):
    """Its caller is told that it failed, and tries again."""
    take_payment = version_of("py")["take_payment"]
    behind = firestore.Client(project=tai_state_project)
    behind.document("orders/o-1").get()
    with pytest.raises(InvalidArgument, match="Transaction is invalid or closed"):
        take_payment(behind, "o-1", 10)
    assert lossy == {Fault.CUT_AFTER: 1}
    assert paid(client) == (10, 1)
    take_payment(behind, "o-1", 10)
    assert paid(client) == (20, 2)
    behind.close()


def test_the_version_after_takes_it_once(tai_state_project, client, tai_state_emulator_server, monkeypatch):
    """The order is adopted as the guide says; the same caller under the same fault has his result, and again."""
    names = version_of("python")
    version_of("py")["take_payment"](client, "o-1", 5)
    source = CollectionSource("orders", project=tai_state_project, client=client)
    with FirestoreStore(tai_state_project) as store:
        assert adopt(store, source, Shape("state", history=EarlierMoves("moves")), machine=names["order"]).is_sound
    with Proxy(tai_state_emulator_server.host) as proxy:
        monkeypatch.setenv(HOST_VARIABLE, proxy.listen(Client(Plan("", [Fault.CUT_AFTER], {}), Bystander)))
        with FirestoreStore(tai_state_project) as store:
            persister = StateMachinePersister(store, names["order"])
            first = names["take_payment"](persister, "o-1", 10, "request-7")
            again = names["take_payment"](persister, "o-1", 10, "request-7")
            assert proxy.counts == {Fault.CUT_AFTER: 1}
            assert (first.replayed, again.replayed, again.version) == (False, True, first.version)
            state, _ = store.get_state("orders", "o-1")
            assert state.data == {"paid": 15, "total": 100}
            assert [one.action for one in store.get_events("orders", "o-1")] == ["open", "adopt", "pay"]
