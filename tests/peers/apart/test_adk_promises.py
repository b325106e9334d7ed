"""What ADK's services leave open: order, stale writers, turns, deletes, names; on each backend."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from google.adk.agents import BaseAgent
from google.adk.errors import StaleSessionError
from google.adk.errors.session_not_found_error import SessionNotFoundError
from google.adk.runners import Runner
from google.genai import types

from tai_state import (
    AsyncBackendStore,
    ConfigurationError,
    DocumentTooLargeError,
    InvalidDataError,
    InvalidIdError,
    MemoryStore,
)
from tai_state.adapters.adk import TaiStateSessionService
from tests._async.stores import AsyncCountingBackend
from tests.peers.apart.sessions import APP, NOISE, USER, create, get, said, texts

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("default")]

HOSTILE = ["a/b", "a", "..", "__x__", "état 1", "x@3", "🜂", "a-b"]


async def test_events_are_in_the_order_of_their_commits(service):
    """Whatever clocks the writers have."""
    session = await create(service, "s")
    for text, at in (("first", 3_000.0), ("second", 1_000.0), ("third", 2_000.0)):
        await service.append_event(session, said(text, at=at))
    assert texts(await get(service, "s")) == ["first", "second", "third"]
    assert texts(await get(service, "s", num_recent_events=1)) == ["third"]


async def test_who_holds_an_old_session_is_refused(service, open_store):
    """Here and in another process, with nothing stored: not what is shared either."""
    other = TaiStateSessionService(open_store())
    mine = await create(service, "s")
    theirs, old = await get(other, "s"), await get(service, "s")
    await service.append_event(mine, said("first", n=1))
    for event in (said("late", n=2), said("late", **{"app:n": 2, "user:n": 2})):
        with pytest.raises(StaleSessionError):
            await other.append_event(theirs, event)
    assert theirs.events == []
    with pytest.raises(StaleSessionError):
        await service.append_event(old, said("late"))
    await service.append_event(mine, said("second"))
    found = await get(other, "s")
    assert (texts(found), found.state) == (["first", "second"], {"n": 1})
    await other.append_event(found, said("third"))
    with pytest.raises(StaleSessionError):
        await service.append_event(mine, said("late"))


async def test_a_session_that_tells_no_version_goes_on_from_the_newest(service, open_store):
    """One that was made by hand: nothing that others stored is lost."""
    session = await create(service, "s", n=1)
    by_hand = session.model_copy(update={"events": [], "state": {}})
    by_hand._storage_update_marker = None
    await service.append_event(session, said("first", m=2))
    await TaiStateSessionService(open_store()).append_event(by_hand, said("second", k=3))
    found = await get(service, "s")
    assert (texts(found), found.state) == (["first", "second"], {"n": 1, "m": 2, "k": 3})

    async def append(number):
        one = by_hand.model_copy(update={"events": [], "state": {}})
        one._storage_update_marker = None
        await TaiStateSessionService(open_store()).append_event(one, said(str(number), **{f"k{number}": number}))

    await asyncio.gather(*[append(number) for number in range(3)])
    assert (await get(service, "s")).state == {**found.state, "k0": 0, "k1": 1, "k2": 2}


async def test_an_append_is_one_commit_with_what_it_changes(store):
    """And reads nothing, where the same process made the last one."""
    backend = AsyncCountingBackend(store.runtime.access.backend)
    service = TaiStateSessionService(AsyncBackendStore(backend))
    session = await create(service, "s")
    await service.append_event(session, said(n=1))
    backend.taken()
    await service.append_event(session, said(n=2))
    assert (backend.taken(), len(backend.commits[-1])) == (["commit"], 2)
    await service.append_event(session, said(**{"n": 1, "app:n": 1, "user:n": 1}))
    assert backend.taken().count("commit") == 1
    await service.append_events(session, [said(str(n), n=n) for n in range(5)])
    assert (backend.taken().count("commit"), len(backend.commits[-1])) == (1, 7)
    assert len((await get(service, "s")).events) == 8


async def test_a_turn_is_stored_whole_or_not_at_all(service):
    """One event too large, or one value that cannot be stored: none of the others either."""
    session = await create(service, "s")
    await service.append_events(session, [])
    formless = said("formless")
    formless.custom_metadata = {"blob": object()}
    refused = (
        (said(blob=object()), InvalidDataError),
        (formless, InvalidDataError),
        (said(NOISE), DocumentTooLargeError),
    )
    for bad, error in refused:
        with pytest.raises(error):
            await service.append_events(session, [said("first", n=1), bad, said("third")])
    assert ((await get(service, "s")).events, session.events) == ([], [])
    turn = [said("first", n=1, m=1), said("second", **{"n": 2, "user:n": 3}), said("third", n=3)]
    await service.append_events(session, turn)
    found = await get(service, "s")
    assert found == session
    assert (texts(found), found.state) == (["first", "second", "third"], {"n": 3, "m": 1, "user:n": 3})
    assert texts(await get(service, "s", num_recent_events=2)) == ["second", "third"]


async def test_branches_that_share_a_session_append_one_after_the_other(service):
    """None is refused, and none is lost."""
    session = await create(service, "s")
    await asyncio.gather(*[service.append_event(session, said(str(n), **{f"k{n}": n})) for n in range(12)])
    found = await get(service, "s")
    assert sorted(texts(found), key=int) == [str(n) for n in range(12)]
    assert found.state == {f"k{n}": n for n in range(12)}
    assert texts(found) == texts(session)


async def test_what_is_shared_is_changed_by_many_sessions_at_once(service, open_store):
    """Each key of each writer is there in the end, of this process and of another."""
    services = [service, TaiStateSessionService(open_store())]
    sessions = [await create(service, f"s{n}") for n in range(6)]
    calls = [
        services[n % 2].append_event(one, said(**{f"app:k{n}": n, f"user:k{n}": n})) for n, one in enumerate(sessions)
    ]
    await asyncio.gather(*calls)
    assert (await get(service, "s0")).state == {f"{of}:k{n}": n for n in range(6) for of in ("app", "user")}


async def test_a_session_that_another_process_deleted_is_not_found(service, open_store):
    """Also where the store alone was told; one that begins anew under its id has none of its events."""
    session = await create(service, "s")
    await service.append_event(session, said("first"))
    other = open_store()
    (found,) = [one async for one in other.list_states("adk/my_app", prefix="s-")]
    await other.delete_state("adk/my_app", found.state_id)
    with pytest.raises(SessionNotFoundError):
        await service.append_event(session, said("late"))
    assert (await create(service, "s")).events == []
    assert (await get(service, "s")).events == []


async def test_a_deleted_session_is_gone_with_its_events(service, store):
    """Nothing of it can be appended to or read, and a new one of its id begins anew; what is shared stays."""
    session = await create(service, "s", told="whisper-1", **{"user:k": 1})
    await service.append_event(session, said("whisper-2", note="whisper-3"))
    await service.delete_session(app_name=APP, user_id=USER, session_id="s")
    with pytest.raises(SessionNotFoundError):
        await service.append_event(session, said("late"))
    session._storage_update_marker = None
    with pytest.raises(SessionNotFoundError):
        await service.append_event(session, said("late"))
    (state_id,) = [one.state_id async for one in store.list_states("adk/my_app", prefix="s-", include_deleted=True)]
    events = [one async for one in store.get_events("adk/my_app", state_id)]
    assert "whisper" not in repr(events)
    again = await create(service, "s", n=1)
    await service.append_event(again, said("new"))
    found = await get(service, "s")
    assert (texts(found), found.state) == (["new"], {"n": 1, "user:k": 1})
    assert texts(await get(service, "s", num_recent_events=9)) == ["new"]


async def test_hostile_ids_are_their_own(service):
    """Apps, users and sessions, whatever they are called."""
    for name in HOSTILE:
        state = {"n": name, "app:n": name, "user:n": name}
        await service.create_session(app_name=name, user_id=name, session_id=name, state=state)
    for name in HOSTILE:
        found = await service.get_session(app_name=name, user_id=name, session_id=name)
        assert (found.id, found.user_id, found.state) == (name, name, {"n": name, "app:n": name, "user:n": name})
        assert len((await service.list_sessions(app_name=name)).sessions) == 1


@pytest.mark.parametrize("open_store", ["memory"], indirect=True)
async def test_what_cannot_be_stored_is_refused(service):
    """Ids that are too long, a store of the other colour, events larger than a document."""
    with pytest.raises(InvalidIdError):
        await create(service, "x" * 480)
    with pytest.raises(ConfigurationError):
        TaiStateSessionService(MemoryStore())  # type: ignore[arg-type]
    session = await create(service, "s")
    with pytest.raises(DocumentTooLargeError):
        await service.append_event(session, said(NOISE, n=1))
    assert ((await get(service, "s")).state, session.events) == ({}, [])


@pytest.mark.parametrize("open_store", ["memory"], indirect=True)
async def test_what_is_returned_is_the_callers_own(service):
    """Changing it changes nothing that is stored, remembered or given to others."""
    session = await create(service, "s", tags=["a"])
    session.state["tags"].append("b")
    found = await get(service, "s")
    found.state["tags"].append("c")
    await service.append_event(found, said(n=1))
    assert (await get(service, "s")).state == {"tags": ["a"], "n": 1}


class Greeter(BaseAgent):  # type: ignore[misc,unused-ignore]
    """Counts its greetings in the session and for the user."""

    async def _run_async_impl(self, ctx):
        count = ctx.session.state.get("user:count", 0) + 1
        yield said(f"hello {count}", self.name, **{"user:count": count, "temp:x": 1})


async def test_a_runner_runs_an_agent_on_it(service, open_store):
    """And goes on in another process."""
    await create(service, "s")
    for number, one in ((1, service), (2, TaiStateSessionService(open_store()))):
        runner = Runner(app_name=APP, agent=Greeter(name="greeter"), session_service=one)
        message = types.Content(role="user", parts=[types.Part(text="hi")])
        events = [event async for event in runner.run_async(user_id=USER, session_id="s", new_message=message)]
        assert events[-1].content.parts[0].text == f"hello {number}"
    found = await get(service, "s")
    assert texts(found) == ["hi", "hello 1", "hi", "hello 2"]
    assert found.state == {"user:count": 2}


def test_the_example_runs():
    """It is short, and prints what the page says."""
    example = Path(__file__).parents[3] / "docs" / "examples" / "adk_sessions.py"
    code = [line for line in example.read_text(encoding="utf-8").splitlines() if line.strip()]
    assert len(code) <= 20
    ran = subprocess.run([sys.executable, example], capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stdout) == (0, "({'user:name': 'Ada'}, 1)\n"), ran.stderr
