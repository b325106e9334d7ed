"""A session of ADK in a store: what an agent says, and what it keeps of the user. Run by tests/peers."""

import asyncio

from google.adk.events.event import Event
from google.adk.events.event_actions import EventActions

from tai_state import AsyncMemoryStore
from tai_state.adapters.adk import TaiStateSessionService


async def main() -> None:
    """Begin a session, say something, and read it again."""
    sessions = TaiStateSessionService(AsyncMemoryStore())
    session = await sessions.create_session(app_name="shop", user_id="ada", session_id="s1")
    await sessions.append_event(session, Event(author="user", actions=EventActions(state_delta={"user:name": "Ada"})))
    found = await sessions.get_session(app_name="shop", user_id="ada", session_id="s1")
    print(found and (found.state, len(found.events)))


asyncio.run(main())
