"""What the tests of sessions share: events, and a session in few words."""

import base64
import random

from google.adk.events.event import Event
from google.adk.events.event_actions import EventActions
from google.adk.sessions.base_session_service import GetSessionConfig
from google.genai import types

NOISE = base64.b85encode(random.Random(1).randbytes(1_200_000)).decode()
"""More than a document holds, however it is compressed."""

APP, USER = "my_app", "test_user"


def said(text="text", author="user", at=None, **delta):
    fields = {} if at is None else {"timestamp": at}
    content = types.Content(role=author, parts=[types.Part(text=text)])
    return Event(invocation_id="i", author=author, content=content, actions=EventActions(state_delta=delta), **fields)


async def create(service, session_id=None, user=USER, **state):
    return await service.create_session(app_name=APP, user_id=user, session_id=session_id, state=state)


async def get(service, session_id, user=USER, **config):
    asked = GetSessionConfig(**config) if config else None
    return await service.get_session(app_name=APP, user_id=user, session_id=session_id, config=asked)


def texts(session):
    return [event.content.parts[0].text for event in session.events]
