"""What Firestore bills for a session: here, and with the service that ADK has for it, counted at the requests."""

import sys
from collections import Counter

import pytest
from google.adk.events.event import Event
from google.adk.events.event_actions import EventActions
from google.adk.integrations.firestore.firestore_session_service import FirestoreSessionService
from google.cloud import firestore

from tai_state import AsyncBackendStore, AsyncFirestoreStore
from tai_state.adapters.adk import TaiStateSessionService
from tai_state.documents import Check
from tests._async.stores import AsyncWrappedBackend

pytestmark = [pytest.mark.peers, pytest.mark.emulator, pytest.mark.filterwarnings("default")]


class Bill:
    """Documents read and written; a query that finds nothing is one read, and so is a look within a commit."""

    def __init__(self):
        self.counts: Counter[str] = Counter()

    def taken(self):
        counts, self.counts = self.counts, Counter()
        return {"reads": counts["reads"], "writes": counts["writes"], "commits": counts["commits"]}


class BillingBackend(AsyncWrappedBackend):
    def __init__(self, inner, bill):
        super().__init__(inner)
        self.bill = bill

    async def get_many(self, paths, **options):
        self.bill.counts["reads"] += len(paths)
        return await super().get_many(paths, **options)

    async def _billed(self, documents):
        found = 0
        async for document in documents:
            found += 1
            yield document
        self.bill.counts["reads"] += max(1, found)

    def scan(self, collection, **options):
        return self._billed(super().scan(collection, **options))

    def query(self, query, **options):
        return self._billed(super().query(query, **options))

    async def commit(self, writes, **options):
        looked = sum(isinstance(write, Check) for write in writes)
        self.bill.counts.update(writes=len(writes) - looked, reads=looked, commits=1)
        return await super().commit(writes, **options)


def billed(client, bill, monkeypatch):
    """Count what *client* asks of Firestore."""
    api = client._firestore_api
    commit, get, query = api.commit, api.batch_get_documents, api.run_query

    async def counted_commit(request, **options):
        bill.counts.update(writes=len(request.get("writes", ())), commits=1)
        return await commit(request=request, **options)

    async def counted_get(request, **options):
        bill.counts["reads"] += len(request["documents"])
        return await get(request=request, **options)

    async def counted_query(request, **options):
        answers = [answer async for answer in await query(request=request, **options)]
        bill.counts["reads"] += max(1, sum(bool(answer.document.name) for answer in answers))

        async def again():
            for answer in answers:
                yield answer

        return again()

    monkeypatch.setattr(api, "commit", counted_commit)
    monkeypatch.setattr(api, "batch_get_documents", counted_get)
    monkeypatch.setattr(api, "run_query", counted_query)


async def run(service, bill):
    """Return what each step of a session cost."""
    costs = {}
    session = await service.create_session(app_name="app", user_id="user", session_id="warm")
    await service.append_event(session, Event(author="user"))
    bill.taken()
    session = await service.create_session(app_name="app", user_id="user", session_id="s")
    costs["create"] = bill.taken()
    await service.append_event(session, Event(author="user", actions=EventActions(state_delta={"n": 1})))
    costs["append"] = bill.taken()
    shared = EventActions(state_delta={"app:n": 1, "user:n": 1})
    await service.append_event(session, Event(author="user", actions=shared))
    costs["append, app and user"] = bill.taken()
    turn = [Event(author="agent", actions=EventActions(state_delta={"n": n})) for n in range(5)]
    if isinstance(service, TaiStateSessionService):
        await service.append_events(session, turn)
    else:
        for event in turn:
            await service.append_event(session, event)
    costs["a turn of 5"] = bill.taken()
    found = await service.get_session(app_name="app", user_id="user", session_id="s")
    costs["get, 7 events"] = bill.taken()
    assert len(found.events) == 7
    await service.append_event(found, Event(author="user"))
    costs["append behind a get"] = bill.taken()
    return costs


async def test_an_append_costs_no_more_than_with_adks_own_service(tai_state_project, monkeypatch, capsys):
    """In documents read and written, and a turn takes one commit in the place of one an event."""
    ours, theirs = Bill(), Bill()
    async with AsyncFirestoreStore(tai_state_project) as inner:
        store = AsyncBackendStore(BillingBackend(inner.runtime.access.backend, ours))
        mine = await run(TaiStateSessionService(store), ours)
    client = firestore.AsyncClient(project=f"{tai_state_project}x")
    billed(client, theirs, monkeypatch)
    adks = await run(FirestoreSessionService(client), theirs)
    client.close()
    with capsys.disabled():
        for step, cost in mine.items():
            sys.stdout.write(f"\n{step:>22}: ours {cost}, ADK's {adks[step]}")
    assert mine["append"] == {"reads": 0, "writes": 2, "commits": 1}
    assert adks["append"] == {"reads": 1, "writes": 2, "commits": 1}
    assert (mine["a turn of 5"]["commits"], adks["a turn of 5"]["commits"]) == (1, 5)
    assert mine["a turn of 5"]["writes"] < adks["a turn of 5"]["writes"]
