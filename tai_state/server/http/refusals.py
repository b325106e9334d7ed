"""Answers that no error of the library stands behind: who may not, what is no request, what is too much."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from tai_state.adapters.problems import Problem, of_status

NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_CHALLENGE = 'Bearer realm="tai_state"'

FAULTS_MAX = 20
"""How many of the faults of one request are told."""


class Refusal(Exception):  # noqa: N818 - it is an answer, and no fault of ours
    """A request that is answered with a problem; ``headers`` go with it."""

    def __init__(self, problem: Problem, headers: Mapping[str, str] = NO_HEADERS) -> None:
        """Take the answer."""
        super().__init__(problem.code)
        self.problem = problem
        self.headers = headers


def unauthorized(*, is_wrong: bool) -> Refusal:
    """Return what somebody is told who brings no proof of who he is, or a wrong one."""
    detail = "the token is none of this server's" if is_wrong else "send a token: Authorization: Bearer TOKEN"
    challenge = f'{_CHALLENGE}, error="invalid_token"' if is_wrong else _CHALLENGE
    return Refusal(of_status(HTTPStatus.UNAUTHORIZED, detail), {"WWW-Authenticate": challenge})


def forbidden(detail: str) -> Refusal:
    """Return what somebody is told who may not do that; the same whether it is there or not."""
    return Refusal(of_status(HTTPStatus.FORBIDDEN, detail))


def no_such_path() -> Refusal:
    """Return what is said of a path that leads nowhere."""
    return Refusal(of_status(HTTPStatus.NOT_FOUND, "there is no such path; /openapi.json lists those that there are"))


def no_such(what: str) -> Refusal:
    """Return what is said of something of the server's own that is not there."""
    return Refusal(of_status(HTTPStatus.NOT_FOUND, f"there is no such {what}"))


def method_not_allowed(allowed: Sequence[str]) -> Refusal:
    """Return what is said of a method that a path does not have."""
    return Refusal(of_status(HTTPStatus.METHOD_NOT_ALLOWED), {"Allow": ", ".join(sorted(allowed))})


def bad_request(detail: str, code: str = "bad_request") -> Refusal:
    """Return what is said of a request that cannot be read."""
    return Refusal(Problem(HTTPStatus.BAD_REQUEST, code, "The request cannot be read.", detail))


def bad_header(detail: str) -> Refusal:
    """Return what is said of a header that cannot be followed."""
    return Refusal(Problem(HTTPStatus.BAD_REQUEST, "bad_header", "A header cannot be read.", detail))


def invalid(faults: Sequence[Mapping[str, Any]]) -> Refusal:
    """Return what is said of a request that was read and is not as it should be.

    Values that were sent are not sent back: they may be long, and they may be secret.

    Args:
        faults: As pydantic tells them.
    """
    found = [{"at": list(map(str, one["loc"])), "message": one["msg"]} for one in faults[:FAULTS_MAX]]
    title = "The request is not as it should be."
    return Refusal(Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request", title, members={"errors": found}))


def wrong(at: str, message: str) -> Refusal:
    """Return what is said of one field that is not as it should be."""
    return invalid([{"loc": (at,), "msg": message}])


def body_too_large(limit: int) -> Refusal:
    """Return what is said of a body of more than *limit* bytes; the rest of it is not read."""
    problem = Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "body_too_large",
        "The body is more than this server takes.",
        members={"limit": limit},
    )
    return Refusal(problem, {"Connection": "close"})


def body_too_slow() -> Refusal:
    """Return what is said of a body that does not come."""
    return Refusal(of_status(HTTPStatus.REQUEST_TIMEOUT, "the body did not arrive in time"), {"Connection": "close"})


def not_json() -> Refusal:
    """Return what is said of a body of another kind."""
    detail = "send JSON, with Content-Type: application/json"
    return Refusal(of_status(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail), {"Accept": "application/json"})


def too_many_requests(seconds: float) -> Refusal:
    """Return what is said to somebody who asks more often than he may."""
    title = "More requests than are allowed."
    return Refusal(Problem(HTTPStatus.TOO_MANY_REQUESTS, "too_many_requests", title, retry_after=max(0.001, seconds)))


def overloaded(what: str) -> Refusal:
    """Return what is said of one *what* more than the server takes at once; nothing was done."""
    title = f"More {what} than this server takes at once; nothing was done."
    return Refusal(Problem(HTTPStatus.SERVICE_UNAVAILABLE, "overloaded", title, retry_after=1.0))


def no_feed() -> Refusal:
    """Return what is said where nobody can tell what has changed in the whole store; of one state he can."""
    title, detail = "The store tells nobody what has changed.", "switch its feed on, once: connect(url, feed=True)"
    return Refusal(Problem(HTTPStatus.NOT_IMPLEMENTED, "no_feed", title, detail))


def too_slow() -> Refusal:
    """Return what is said of a read that took longer than a request may take."""
    title = "The request took longer than this server takes for one; nothing was changed."
    return Refusal(Problem(HTTPStatus.SERVICE_UNAVAILABLE, "deadline_exceeded", title, retry_after=1.0))


def not_there_any_more(detail: str) -> Refusal:
    """Return what is said where ``If-Match`` or ``If-None-Match`` does not hold."""
    title = "The state is not at the expected version."
    return Refusal(Problem(HTTPStatus.PRECONDITION_FAILED, "version_conflict", title, detail))
