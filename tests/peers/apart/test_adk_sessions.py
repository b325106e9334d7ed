"""What ADK's own tests ask of a session service, on each backend."""

from datetime import UTC, datetime
from enum import Enum
from typing import Any

import pytest
from google.adk.errors.already_exists_error import AlreadyExistsError
from google.adk.events.event import Event
from google.adk.events.event_actions import EventActions
from google.genai import types

from tai_state import (
    InvalidDataError,
)
from tests.peers.apart.sessions import APP, USER, create, get, said, texts

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("default")]


async def test_a_session_that_is_not_there_is_none(service):
    """And one that was deleted."""
    assert await get(service, "123") is None
    session = await create(service, key="value")
    assert (session.app_name, session.user_id, session.state) == (APP, USER, {"key": "value"})
    assert session.id
    assert await get(service, session.id) == session
    await service.delete_session(app_name=APP, user_id=USER, session_id=session.id)
    await service.delete_session(app_name=APP, user_id=USER, session_id=session.id)
    assert await get(service, session.id) is None


async def test_sessions_are_listed_in_the_order_of_their_changes(service):
    """Of one user, or of all; without events; and none of another app."""
    for number in range(3):
        await create(service, f"s{number}", n=number)
    await create(service, "other", user="someone")
    await service.append_event(await get(service, "s0"), said(key="new"))
    found = (await service.list_sessions(app_name=APP, user_id=USER)).sessions
    assert [(one.id, one.state, one.events) for one in found] == [
        ("s1", {"n": 1}, []),
        ("s2", {"n": 2}, []),
        ("s0", {"n": 0, "key": "new"}, []),
    ]
    everybody = (await service.list_sessions(app_name=APP)).sessions
    assert [(one.user_id, one.id) for one in everybody] == [
        (USER, "s1"),
        (USER, "s2"),
        ("someone", "other"),
        (USER, "s0"),
    ]
    assert (await service.list_sessions(app_name="other")).sessions == []
    assert (await service.list_sessions(app_name=APP, user_id="nobody")).sessions == []


async def test_state_goes_where_its_prefix_says(service):
    """To the app, the user or the session; what is temporary is seen by who appends, and not stored."""
    first = await create(service, "11", key="value")
    await create(service, "12")
    await create(service, "2", user="user2")
    event = said(**{"app:k": "a", "user:k": "u", "temp:k": "t", "key": "new"})
    await service.append_event(first, event)
    assert first.state == {"app:k": "a", "user:k": "u", "temp:k": "t", "key": "new"}
    assert event.actions.state_delta == {"app:k": "a", "user:k": "u", "key": "new"}
    assert (await get(service, "11")).state == {"app:k": "a", "user:k": "u", "key": "new"}
    assert (await get(service, "12")).state == {"app:k": "a", "user:k": "u"}
    assert (await get(service, "2", user="user2")).state == {"app:k": "a"}
    assert (await get(service, "11")).events[0].actions.state_delta == event.actions.state_delta
    third = await create(service, "13", **{"user:more": 1, "app:k": "b", "temp:k": 1, "mine": 2})
    assert third.state == {"app:k": "b", "user:k": "u", "user:more": 1, "mine": 2}
    assert await service.get_user_state(app_name=APP, user_id=USER) == {"k": "u", "more": 1}
    assert await service.get_user_state(app_name=APP, user_id="nobody") == {}


async def test_an_id_that_is_taken_is_refused(service):
    """And changes nothing, not what is shared either; an id is taken without the blanks around it."""
    await create(service, "one", n=1)
    with pytest.raises(AlreadyExistsError):
        await create(service, " one ", **{"n": 2, "app:n": 2})
    assert (await get(service, " one ")).state == {"n": 1}
    assert (await create(service, "  ")).id.strip()


async def test_events_come_back_as_they_were(service):
    """Bytes, calls, sets and all; a partial one is not stored."""
    session = await create(service)
    blob = types.Content(role="user", parts=[types.Part.from_bytes(data=b"\x00image", mime_type="image/png")])
    whole = Event(
        invocation_id="i",
        author="agent",
        content=blob,
        grounding_metadata=types.GroundingMetadata(search_entry_point=types.SearchEntryPoint(sdk_blob=b"sdk")),
        turn_complete=True,
        partial=False,
        actions=EventActions(artifact_delta={"file": 0}, transfer_to_agent="agent", escalate=True),
        long_running_tool_ids={"tool1"},
        error_code="code",
        error_message="message",
        interrupted=True,
    )
    deep: dict[str, Any] = {}
    for _ in range(60):
        deep = {"inner": deep, "n": 2**70}
    call = types.Content(parts=[types.Part(function_call=types.FunctionCall(name="f", args=deep))])
    partial = said("partial", n=1)
    partial.partial = True
    for event in (whole, Event(author="agent", content=call), partial):
        assert await service.append_event(session, event) is event
    assert [event.partial for event in session.events] == [False, None]
    assert await get(service, session.id) == session
    assert session.state == {}


async def test_a_config_bounds_the_events(service):
    """The newest, none for 0, those from a time on, and both."""
    session = await create(service, "s")
    for number in range(1, 6):
        await service.append_event(session, said(str(number), at=float(number)))

    async def found(**config):
        return texts(await get(service, "s", **config))

    assert await found() == ["1", "2", "3", "4", "5"]
    assert await found(num_recent_events=3) == ["3", "4", "5"]
    assert await found(num_recent_events=50) == ["1", "2", "3", "4", "5"]
    assert await found(num_recent_events=0) == []
    assert await found(after_timestamp=4.0) == ["4", "5"]
    assert await found(after_timestamp=50.0) == []
    assert await found(after_timestamp=4.0, num_recent_events=3) == ["4", "5"]


async def test_values_without_a_form_in_json_are_refused(service):
    """By their key, and nothing is stored; those that have one are stored in it."""

    class Kind(Enum):
        good = "good"

    session = await create(service, "s")
    with pytest.raises(InvalidDataError, match="'bad'"):
        await service.append_event(session, said(**{"bad": object(), "app:n": 1, "n": 1}))
    with pytest.raises(InvalidDataError, match="'bad'"):
        await create(service, "t", bad=object())
    assert ((await get(service, "s")).state, (await get(service, "s")).events) == ({}, [])
    when = datetime(2026, 5, 4, tzinfo=UTC)
    await service.append_event(session, said(when=when, kind=Kind.good, some={1}, raw=b"a"))
    found = (await get(service, "s")).state
    assert found == {"when": "2026-05-04T00:00:00Z", "kind": "good", "some": [1], "raw": "a"}
