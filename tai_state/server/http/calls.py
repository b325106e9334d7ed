"""One request, as its handler sees it: who asks, what for, and what his headers mean."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl, quote, urlencode

from pydantic import BaseModel, ValidationError
from starlette.types import Receive, Scope

from tai_state import AsyncLock, AsyncLockSet, ChangeMetadata, InvalidDataError
from tai_state.adapters.headers import etag_of, expected_version_of, idempotency_key_of
from tai_state.server.auth.principals import Kind, Principal
from tai_state.server.http import refusals
from tai_state.server.http.answers import Answer, told
from tai_state.server.http.bodies import read_body
from tai_state.server.http.routes import Change, Route
from tai_state.values import from_json

if TYPE_CHECKING:
    from tai_state.server.http.service import Service

LOCK_TICKET = "Lock-Ticket"
"""The header that guards a write: tickets of locks, separated by commas."""

QUERY_FIELDS_MAX = 256
TICKETS_MAX = 20
VERSION_DIGITS = 18
LONG_DIGITS = 19
INT_MIN, INT_MAX = -(2**63), 2**63 - 1
_LONG = re.compile(rb"[0-9]{%d}" % LONG_DIGITS)

ModelT = TypeVar("ModelT", bound=BaseModel)


class Call:
    """A request that was let in.

    Attributes:
        path: The ids of its path, decoded.
        principal: Who asks.
        service: What it is served with.
    """

    __slots__ = ("_began", "_receive", "headers", "path", "principal", "route", "scope", "service")

    def __init__(
        self,
        service: "Service",
        route: Route,
        scope: Scope,
        receive: Receive,
        *,
        path: Mapping[str, str],
        headers: Mapping[str, str],
        principal: Principal,
    ) -> None:
        """Serve *scope* by *route*."""
        self.service = service
        self.route = route
        self.scope = scope
        self.path = path
        self.headers = headers
        self.principal = principal
        self._receive = receive
        self._began = asyncio.get_running_loop().time()

    @property
    def seconds(self) -> float:
        """How long its calls of the store may take yet."""
        passed = asyncio.get_running_loop().time() - self._began
        return max(0.001, self.service.limits.call_seconds - passed)

    # What it says

    def query(self, model: type[ModelT]) -> ModelT:
        """Return what is said behind the path.

        Raises:
            Refusal: It is not as *model* has it.
        """
        text = self.scope["query_string"]
        if not text:
            return _checked(model, {})
        try:
            pairs = parse_qsl(text.decode(), keep_blank_values=True, max_num_fields=QUERY_FIELDS_MAX, errors="strict")
        except ValueError as error:
            raise refusals.bad_request("what stands behind the path is no query in UTF-8") from error
        given: dict[str, Any] = {}
        for name, value in pairs:
            if name in given and not isinstance(given[name], list):
                given[name] = [given[name]]
            if isinstance(given.get(name), list):
                given[name].append(value)
            else:
                given[name] = value
        return _checked(model, given)

    async def body(self, model: type[ModelT]) -> ModelT:
        """Return what is said in the body.

        Raises:
            Refusal: It is too large, comes too slowly, is no JSON, or is not as *model* has it.
        """
        kind = self.headers.get("content-type")
        if kind is not None and kind.partition(";")[0].strip().lower() != "application/json":
            raise refusals.not_json()
        read = await read_body(self._receive, self.headers, self.service.limits)
        if not read and self.route.is_body_optional:
            return _checked(model, {})
        try:
            said = from_json(read)
        except InvalidDataError as error:
            raise refusals.bad_request("the body is no JSON", "bad_json") from error
        if _LONG.search(read):
            _check_ints(read)
        return _checked(model, said)

    def header(self, name: str) -> str | None:
        """Return a header; what comes in several lines is one list, as everywhere in HTTP. None: it is not there."""
        return self.headers.get(name.lower())

    def idempotency_key(self) -> str | None:
        """Return the key under which the change is made once; None: there is none.

        Raises:
            BadHeaderError: It is no key.
        """
        return idempotency_key_of(self.header("idempotency-key"))

    def expected_version(self) -> int | None:
        """Return the version that a change is to be made on; 0: there must be none; None: any.

        Raises:
            BadHeaderError: ``If-Match`` names none.
            Refusal: ``If-None-Match`` is not ``*``, or both are there.
        """
        none_match = self.header("if-none-match")
        match = self.header("if-match")
        if none_match is None:
            return expected_version_of(match)
        if none_match.strip() != "*" or match is not None:
            raise refusals.bad_header("a change takes If-Match with a version, or If-None-Match with *, and not both")
        return 0

    def path_version(self) -> int:
        """Return the version that the path ends with.

        Raises:
            Refusal: It is none.
        """
        text = self.path["version"]
        if not (text.isascii() and text.isdecimal() and len(text) <= VERSION_DIGITS and int(text) > 0):
            raise refusals.wrong("version", "is a number from 1 on")
        return int(text)

    def knows(self, version: int) -> bool:
        """Whether ``If-None-Match`` says that the caller has this version; compared weakly, as RFC 9110 has it."""
        header = self.header("if-none-match")
        if header is None:
            return False
        tags = {one.strip().removeprefix("W/") for one in header.split(",")}
        return "*" in tags or etag_of(version) in tags

    def no_preconditions(self, why: str) -> None:
        """Refuse a precondition that would not be asked: *why* says what to use in its place.

        Raises:
            Refusal: There is one.
        """
        if "if-match" in self.headers or "if-none-match" in self.headers:
            raise refusals.bad_header(why)

    def prefers_minimal(self) -> bool:
        """Whether ``Prefer: return=minimal`` is said: the answer to a change needs no body."""
        preferred = self.header("prefer")
        if preferred is None:
            return False
        return any(one.strip().lower().replace('"', "") == "return=minimal" for one in preferred.split(","))

    def metadata(self, change: Change) -> ChangeMetadata | None:
        """Return who makes a change, and why; None where nothing is said of it: dispatch signs it all the same."""
        if not change.reason and not change.context:
            return None
        return ChangeMetadata(
            changed_by=self.principal.name,
            reason=change.reason,
            context={} if change.context is None else change.context,
        )

    @asynccontextmanager
    async def lock(self) -> AsyncIterator[AsyncLock | AsyncLockSet | None]:
        """Give the locks whose tickets the request carries, for ``lock=``; None: it carries none.

        Raises:
            LockLostError, InvalidDataError: One is not held any more, or its ticket is none.
        """
        header = self.header(LOCK_TICKET)
        if header is None:
            yield None
            return
        tickets = [one.strip() for one in header.split(",")]
        if len(tickets) > TICKETS_MAX:
            raise refusals.bad_header(f"{LOCK_TICKET} names at most {TICKETS_MAX} tickets")
        held: list[AsyncLock] = []
        try:
            for ticket in tickets:
                lock = await self.service.locks.attach(ticket, heartbeat=False, timeout=self.seconds)
                held.append(lock)
                self.require(Kind.LOCKS, lock.resource)
            yield held[0] if len(held) == 1 else AsyncLockSet(held)
        finally:
            for lock in held:
                # It stays its holder's, whatever becomes of this process.
                lock.detach()

    def require_governor(self, governor_id: str | None) -> None:
        """Do nothing where who asks may reach a governor; None: all of them.

        Raises:
            Refusal: He may not.
        """
        self.require(Kind.GOVERNORS, governor_id)

    def require(self, kind: Kind, name: str | None) -> None:
        """Do nothing where who asks may reach what is called *name*; None: all of that kind.

        Raises:
            Refusal: He may not.
        """
        allowed = self.principal.allowed
        if not (allowed.covers_all(kind) if name is None else allowed.covers(kind, name)):
            raise refusals.forbidden(f"this token does not reach {'all' if name is None else 'these'} {kind}")

    # What its answer says

    def version_headers(self, version: int) -> dict[str, str]:
        """Return the headers of an answer that tells of a version."""
        return {"ETag": etag_of(version)}

    def changed(
        self, content: Any, version: int, *, status: int = 200, headers: Mapping[str, str] = refusals.NO_HEADERS
    ) -> Answer:
        """Return the answer to a change that made a version: *content*, or nothing where that is preferred."""
        headers = {"ETag": etag_of(version), **headers}
        if self.prefers_minimal():
            return Answer(204, headers={**headers, "Preference-Applied": "return=minimal"})
        return told(content, status, headers)

    def link(self, *parts: str, **query: Any) -> str:
        """Return the path of something of this server, its ids encoded; with the prefix that it is mounted under."""
        path = "/".join(quote(part, safe="") for part in parts)
        text = f"{quote(self.scope.get('root_path', ''))}/{path}"
        return f"{text}?{urlencode(query, doseq=True)}" if query else text

    def next_page(self, **changed: Any) -> dict[str, str]:
        """Return the header that leads to the next page: this request, with what of its query is *changed*."""
        said = parse_qsl(self.scope["query_string"].decode(), keep_blank_values=True)
        query = [(name, value) for name, value in said if name not in changed] + list(changed.items())
        path = self.scope.get("raw_path", b"").decode("latin-1") or quote(self.scope["path"])
        return {"Link": f'<{path}?{urlencode(query)}>; rel="next"'}


def _check_ints(read: bytes) -> None:
    """Refuse an int that no store can hold, of which the fast reader makes a float without a word.

    Raises:
        Refusal: There is one.
    """

    def checked(text: str) -> int:
        if len(text) > LONG_DIGITS + 2 or not INT_MIN <= int(text) <= INT_MAX:
            raise refusals.wrong("", "an int has more than 64 bits: send a text, or a number with a point")
        return int(text)

    try:
        json.loads(read, parse_int=checked)
    except RecursionError:
        # The fast reader goes deeper than this one, and both deeper than what may be stored.
        raise refusals.wrong("", "is nested more deeply than anything that can be stored") from None


def _checked(model: type[ModelT], given: object) -> ModelT:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise refusals.invalid(error.errors(include_url=False, include_context=False, include_input=False)) from None
