"""Google's Agent Development Kit: sessions in a store.

``TaiStateSessionService(store)`` is a session service: a session's events and its state are the events and the data of
one state, an append with all that it changes is one commit, and whoever holds an old session is refused. What is stored
how says docs/adapters.md.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from copy import deepcopy
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import uuid4
from weakref import WeakValueDictionary

from google.adk.errors import StaleSessionError  # pyright: ignore[reportMissingImports]
from google.adk.errors.already_exists_error import AlreadyExistsError  # pyright: ignore[reportMissingImports]
from google.adk.errors.session_not_found_error import SessionNotFoundError  # pyright: ignore[reportMissingImports]
from google.adk.events.event import Event  # pyright: ignore[reportMissingImports]
from google.adk.sessions.base_session_service import (  # pyright: ignore[reportMissingImports]
    BaseSessionService,
    GetSessionConfig,
    ListSessionsResponse,
)
from google.adk.sessions.session import Session  # pyright: ignore[reportMissingImports]

from tai_state import (
    AsyncStateMachinePersister,
    AsyncStateStore,
    AsyncTransactionManager,
    StateNotFoundError,
    VersionConflictError,
)
from tai_state.adapters.sessions import (
    APP_STATE,
    APPEND,
    CREATE,
    OPEN,
    PREFIX,
    SESSIONS,
    Delta,
    delta_of,
    joined,
    merged,
    payloads_of,
    session_state,
    sessions_of,
    user_state,
)
from tai_state.config import check_colour

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tai_state import AsyncTransaction, StateSnapshot, TransitionResult

__all__ = ["TaiStateSessionService"]

_KNOWN_MAX = 1_000
"""Sessions whose data are remembered, so that who goes on with one reads nothing."""

_ATTEMPTS = 20
"""How often an append goes on from what is newer, for a session that does not say from where it goes on."""


class _At(NamedTuple):
    governor: str
    state: str


class _Stored(NamedTuple):
    version: int
    data: dict[str, Any]


class _Move(NamedTuple):
    """An event of a session that is to be stored."""

    action: str
    data: dict[str, Any]
    payload: str | None


class TaiStateSessionService(BaseSessionService):  # type: ignore[misc,unused-ignore]
    """Keeps sessions in an async store."""

    def __init__(self, store: AsyncStateStore, *, prefix: str = PREFIX) -> None:
        """Keep sessions in *store*.

        Args:
            prefix: What the ids of the apps' governors begin with.

        Raises:
            ConfigurationError: *store* is none, or sync.
        """
        check_colour(store, AsyncStateStore, self)
        self._store, self._prefix = store, prefix
        self._persister = AsyncStateMachinePersister(store)
        self._transactions = AsyncTransactionManager(store)
        self._known: OrderedDict[_At, _Stored] = OrderedDict()
        # Branches of one invocation share a session, and append one after the other.
        self._turns: WeakValueDictionary[_At, asyncio.Lock] = WeakValueDictionary()

    def _at(self, app_name: str, user_id: str, session_id: str) -> _At:
        return _At(self._prefix + app_name, session_state(user_id, session_id))

    # Sessions

    async def create_session(
        self, *, app_name: str, user_id: str, state: dict[str, Any] | None = None, session_id: str | None = None
    ) -> Session:
        """Create a session, in one commit with what *state* says of the app and the user.

        Raises:
            AlreadyExistsError: There is one of this id.
            InvalidDataError, InvalidIdError: Something cannot be stored; nothing was.
        """
        session_id = (session_id or "").strip() or uuid4().hex
        at, delta = self._at(app_name, user_id, session_id), delta_of(state)
        data = {"user": user_id, "id": session_id, "state": delta.session}
        try:
            results = await self._write(at, user_id, [_Move(CREATE, data, None)], delta, 0)
        except VersionConflictError as error:
            message = f"Session with id {session_id} already exists."
            raise AlreadyExistsError(message) from error
        self._remember(at, results[-1].snapshot)
        app, user = await self._shared(at.governor, user_id)
        return self._shown(app_name, results[-1].snapshot, app, user, [])

    async def get_session(
        self, *, app_name: str, user_id: str, session_id: str, config: GetSessionConfig | None = None
    ) -> Session | None:
        """Return a session with its events, in the order in which they were stored; None where there is none.

        Session, app and user are read as of one moment. With ``num_recent_events`` the newest so many are read, and
        none for 0; ``after_timestamp`` leaves out those whose own time is before it.
        """
        at = self._at(app_name, user_id, session_id.strip() if session_id else session_id)
        mine = user_state(user_id)
        read = await self._store.batch_get_states(at.governor, [at.state, APP_STATE, mine])
        found = read.found.get(at.state)
        if found is None:
            return None
        self._remember(at, found)
        events = await self._events(at, found.version, config)
        return self._shown(app_name, found, _state_of(read.found, APP_STATE), _state_of(read.found, mine), events)

    async def list_sessions(self, *, app_name: str, user_id: str | None = None) -> ListSessionsResponse:
        """Return the sessions of an app, or of one user, without events, the one that was changed last at the end."""
        governor = self._prefix + app_name
        prefix = SESSIONS if user_id is None else sessions_of(user_id)
        found = [one async for one in self._store.list_states(governor, prefix=prefix)]
        if not found:
            return ListSessionsResponse(sessions=[])
        users = {one.data["user"]: user_state(one.data["user"]) for one in found}
        shared = (await self._store.batch_get_states(governor, [APP_STATE, *users.values()])).found
        app = _state_of(shared, APP_STATE)
        sessions = [self._shown(app_name, one, app, _state_of(shared, users[one.data["user"]]), []) for one in found]
        sessions.sort(key=lambda one: (one.last_update_time, one.user_id, one.id))
        return ListSessionsResponse(sessions=sessions)

    async def delete_session(self, *, app_name: str, user_id: str, session_id: str) -> None:
        """Erase a session: it is gone with the first commit, and so are the values of all its events at the end.

        What the app and the user share stays. Where it is stopped half way, ``recover`` ends it.
        """
        at = self._at(app_name, user_id, session_id.strip() if session_id else session_id)
        self._known.pop(at, None)
        if await self._store.exists(*at):
            try:
                await self._store.erase_state(*at, reason="the session was deleted")
            except StateNotFoundError:
                return

    async def get_user_state(self, *, app_name: str, user_id: str) -> dict[str, Any]:
        """Return what the sessions of a user share, by keys without their prefix."""
        found = await self._store.find_state(self._prefix + app_name, user_state(user_id))
        return {} if found is None else found.data["state"]

    # Events

    async def append_event(self, session: Session, event: Event) -> Event:
        """Store an event and what it changes, in one commit, and then put it into *session*; a partial one is not.

        Raises:
            StaleSessionError: The session was changed since it was read; nothing was stored. Get it again.
            SessionNotFoundError: It was deleted.
            InvalidDataError, DocumentTooLargeError: Something cannot be stored; nothing was.
        """
        await self.append_events(session, [event])
        return event

    async def append_events(self, session: Session, events: Sequence[Event]) -> None:
        """Store several events, those of one turn, say, in one commit: all of them or none; see ``append_event``."""
        kept = [event for event in events if not event.partial]
        if not kept:
            return
        at = self._at(session.app_name, session.user_id, session.id)
        for event in kept:
            self._apply_temp_state(session, event)
            self._trim_temp_delta_state(event)
        async with self._turns.setdefault(at, asyncio.Lock()):
            result = await self._appended(at, session, kept)
            session._storage_update_marker = str(result.version)  # noqa: SLF001 - where ADK's services keep it
            session.last_update_time = result.snapshot.timestamp.timestamp()
            for event in kept:
                self._update_session_state(session, event)
                session.events.append(event)

    async def _appended(self, at: _At, session: Session, events: Sequence[Event]) -> TransitionResult:
        deltas = [delta_of(event.actions.state_delta if event.actions else None) for event in events]
        payloads = payloads_of(events)
        marker = session._storage_update_marker  # noqa: SLF001 - as above
        for attempt in range(_ATTEMPTS):
            stored = await self._stored(at, marker, session.id)
            moves, state = list[_Move](), dict(stored.data["state"])
            for delta, payload in zip(deltas, payloads, strict=True):
                state = {**state, **delta.session}
                moves.append(_Move(APPEND, {**stored.data, "state": state}, payload))
            try:
                results = await self._write(at, session.user_id, moves, joined(deltas), stored.version)
            except VersionConflictError as error:
                self._known.pop(at, None)
                if marker is None and attempt < _ATTEMPTS - 1:
                    continue
                await self._stored(at, marker, session.id)
                raise _stale(session.id) from error
            self._remember(at, results[-1].snapshot)
            return results[-1]
        raise AssertionError

    async def _stored(self, at: _At, marker: str | None, session_id: str) -> _Stored:
        """Return the session from which an append goes on.

        Raises:
            SessionNotFoundError: There is none.
            StaleSessionError: It is not the one that *marker* tells of.
        """
        known = self._known.get(at)
        if known is not None and marker == str(known.version):
            return known
        found = await self._store.find_state(*at)
        if found is None:
            message = f"Session {session_id} not found."
            raise SessionNotFoundError(message)
        if marker is not None and marker != str(found.version):
            raise _stale(session_id)
        return _Stored(found.version, found.data)

    async def _write(
        self, at: _At, user_id: str, moves: Sequence[_Move], delta: Delta, version: int
    ) -> Sequence[TransitionResult]:
        """Make the moves of a session, with what is shared, in one commit.

        Raises:
            VersionConflictError: The session is not at *version*.
        """
        if len(moves) == 1 and not delta.is_shared:
            (move,) = moves
            return [
                await self._persister.log_transition(
                    *at, move.action, to_status=OPEN, data=move.data, payload=move.payload, expected_version=version
                )
            ]

        async def body(tx: AsyncTransaction) -> list[TransitionResult]:
            for state_id, shared in ((APP_STATE, delta.app), (user_state(user_id), delta.user)):
                if shared:
                    found = await tx.find_state(at.governor, state_id)
                    before = {} if found is None else found.data["state"]
                    about = {} if state_id == APP_STATE else {"user": user_id}
                    await tx.save_state(at.governor, state_id, {**about, "state": {**before, **shared}})
            results: list[TransitionResult] = []
            for number, move in enumerate(moves):
                results.append(
                    await tx.log_transition(
                        self._persister,
                        *at,
                        move.action,
                        to_status=OPEN,
                        data=move.data,
                        payload=move.payload,
                        expected_version=version + number,
                    )
                )
            return results

        return await self._transactions.run(body)

    # What is read

    async def _events(self, at: _At, version: int, config: GetSessionConfig | None) -> list[Event]:
        newest = None if config is None else config.num_recent_events
        if newest == 0:
            return []
        after = 0 if newest is None else max(0, version - newest)
        events: list[Event] = []
        async for one in self._store.get_events(*at, after=after, until=version):
            if one.action == CREATE:
                # What came before was of another session of this id.
                events.clear()
            elif one.action == APPEND and isinstance(one.payload, str):
                events.append(Event.model_validate_json(one.payload))
        since = None if config is None else config.after_timestamp
        return events if since is None else [event for event in events if event.timestamp >= since]

    async def _shared(self, governor: str, user_id: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        mine = user_state(user_id)
        found = (await self._store.batch_get_states(governor, [APP_STATE, mine])).found
        return _state_of(found, APP_STATE), _state_of(found, mine)

    def _remember(self, at: _At, snapshot: StateSnapshot) -> None:
        self._known[at] = _Stored(snapshot.version, snapshot.data)
        self._known.move_to_end(at)
        while len(self._known) > _KNOWN_MAX:
            self._known.popitem(last=False)

    def _shown(
        self,
        app_name: str,
        snapshot: StateSnapshot,
        app: Mapping[str, Any],
        user: Mapping[str, Any],
        events: list[Event],
    ) -> Session:
        data = snapshot.data
        session = Session(
            id=data["id"],
            app_name=app_name,
            user_id=data["user"],
            # Sessions of one list share nothing, and none shares with what is remembered here.
            state=deepcopy(merged(data["state"], app, user)),
            events=events,
            last_update_time=snapshot.timestamp.timestamp(),
        )
        session._storage_update_marker = str(snapshot.version)  # noqa: SLF001 - where ADK's services keep it
        return session


def _state_of(found: Mapping[str, StateSnapshot], state_id: str) -> Mapping[str, Any]:
    snapshot = found.get(state_id)
    return {} if snapshot is None else snapshot.data["state"]


def _stale(session_id: str) -> Exception:
    stale: Exception = StaleSessionError(
        f"Session {session_id} was changed since it was read: get it again, then append."
    )
    return stale
