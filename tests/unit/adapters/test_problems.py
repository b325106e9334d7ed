"""Every public error has one answer over HTTP."""

import inspect
import json
import logging

import pytest

from tai_state import errors
from tai_state.adapters.problems import PLACES, Problem, log_failure, place_of, problem_of

EVERY = sorted((getattr(errors, name) for name in errors.__all__), key=lambda kind: kind.__name__)
STANDARD = {"type", "title", "status", "detail", "instance", "code", "retry_after"}
ARGUMENTS = {int: 1, str: "x", bool: False}

NOT_ALLOWED = errors.TransitionNotAllowedError("shipped", "pay", ["deliver"])
UNKNOWN = errors.OutcomeUnknownError("t-1", "shop", "o-1", 3)


def an_error(kind):
    """Make an error of *kind*, whatever its constructor takes."""
    samples = {"paths": [], "damaged": {"a": "b"}, "states": {"a": "b"}, "cycle": ["a", "a"], "problems": ["p"]}
    numbers = {"int", "int | None"}
    given, named = [], {}
    for one in inspect.signature(kind).parameters.values():
        number = 1 if str(getattr(one.annotation, "__name__", one.annotation)) in numbers else "x"
        value = samples.get(one.name, number)
        if one.default is one.empty and one.kind is one.POSITIONAL_OR_KEYWORD:
            given.append(value)
        elif one.default is one.empty and one.kind is one.KEYWORD_ONLY:
            named[one.name] = value
    return kind(*given, **named)


def test_every_error_has_a_place_of_its_own():
    """A new one without a place fails here: decide what HTTP says of it."""
    assert [kind for kind in EVERY if kind not in PLACES] == []


def test_nothing_else_has_a_place():
    """What is not public cannot be met."""
    assert set(PLACES) == set(EVERY)


def test_what_is_told_of_an_error_is_json_and_hides_nothing():
    """Each attribute that a place names is there, and none takes the name of a standard member."""
    for kind in EVERY:
        problem = problem_of(an_error(kind))
        assert set(problem.members).isdisjoint(STANDARD), kind
        told = json.loads(problem.body())
        assert told["code"] == kind.code
        assert told["type"] == f"urn:problem-type:tai-state:{kind.code}"
        assert told["status"] == place_of(kind).status == problem.status, kind


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.ConflictError("x"), 409),
        (errors.StaleReadError("x"), 409),
        (errors.StateExistsError("g", "s", 1), 409),
        (errors.VersionConflictError("g/s", 1, 2), 409),
        (errors.IdempotencyMismatchError("k"), 422),
        (NOT_ALLOWED, 422),
        (errors.InvalidDataError("x"), 422),
        (errors.DocumentTooLargeError(2, 1), 413),
        (errors.StateNotFoundError("g", "s"), 404),
        (errors.HistoryTrimmedError, 410),
        (errors.LockTimeoutError("x"), 409),
        (errors.StoreUnavailableError(), 503),
        (errors.StoreClosedError("x"), 503),
        (errors.DeadlineExceededError("x"), 503),
        (errors.RetriesExhaustedError(3), 503),
        (errors.CorruptLogError, 500),
        (errors.TaiStateError("x"), 500),
    ],
)
def test_the_status_of_an_error(error, status):
    """In the words of HTTP."""
    kind = error if isinstance(error, type) else type(error)
    assert place_of(kind).status == status


def test_another_version_than_if_match_named_is_a_failed_precondition():
    """And no other conflict is."""
    assert problem_of(errors.VersionConflictError("g/s", 1, 2), if_match=True).status == 412
    assert problem_of(errors.StateExistsError("g", "s", 1), if_match=True).status == 409


def test_an_unknown_outcome_is_unavailable_under_a_key_alone():
    """Without one, nobody is asked to come back: a second change might be made."""
    keyed = problem_of(errors.OutcomeUnknownError("t-1", "shop", "o-1", 3, retryable=True))
    assert (keyed.status, "Retry-After" in keyed.headers()) == (503, True)
    bare = problem_of(UNKNOWN)
    assert (bare.status, "Retry-After" in bare.headers()) == (500, False)
    assert bare.to_dict()["transition_id"] == "t-1"


def test_who_may_come_back_is_told_when():
    """In whole seconds, one at least, and exactly in the body; nobody else is told."""
    for error in map(an_error, EVERY):
        problem = problem_of(error)
        if error.retryable:
            assert int(problem.headers()["Retry-After"]) >= 1
            assert problem.to_dict()["retry_after"] == pytest.approx(error.retry_after, abs=0.001)
        else:
            assert "Retry-After" not in problem.headers(), error
            assert "retry_after" not in problem.to_dict(), error


def test_the_engines_own_wish_is_obeyed():
    """It is rounded up, never down."""
    problem = problem_of(errors.StoreUnavailableError("busy", retry_after=7.2))
    assert problem.headers() == {"Content-Type": "application/problem+json", "Retry-After": "8"}


def test_the_services_own_faults_keep_their_message_for_its_log():
    """It may name files and hosts."""
    for error in (errors.StoreUnavailableError("10.0.0.7 refused"), errors.ConfigurationError("/etc/tai is missing")):
        assert b"10.0.0.7" not in problem_of(error).body()
        assert b"/etc" not in problem_of(error).body()
    assert problem_of(NOT_ALLOWED).detail == str(NOT_ALLOWED)


@pytest.mark.parametrize(
    "error",
    [
        errors.LockTimeoutError("till", "orders@host-7:4711"),
        errors.LockTimeoutError("till", next_owner="orders@host-7:4711"),
        errors.DeadlockError(["orders@host-7:4711", "orders@host-7:4711"], ["till"]),
        errors.StaleReadError("governors/host-7/states/o-1", transaction_id="t-1"),
        errors.PreconditionFailedError(path="governors/host-7/states/o-1"),
    ],
)
def test_who_was_in_the_way_is_for_the_log(error, caplog):
    """Holders of locks are hosts and processes, and documents are where the store has them: no caller's business."""
    problem = problem_of(error)
    assert b"host-7" not in problem.body()
    with caplog.at_level(logging.INFO, "tai_state"):
        log_failure(problem, error)
    (record,) = caplog.records
    assert "host-7" in record.getMessage()
    assert (record.levelno, vars(record)["event"]) == (logging.INFO, "request_failed")


def test_what_the_caller_was_told_is_not_logged(caplog):
    """His mistakes are his: a log is for who runs the service."""
    with caplog.at_level(logging.DEBUG, "tai_state"):
        log_failure(problem_of(NOT_ALLOWED), NOT_ALLOWED)
    assert caplog.records == []


def test_what_a_caller_needs_next_is_a_member():
    """So that no program reads sentences."""
    assert problem_of(NOT_ALLOWED).members == {"action": "pay", "allowed": ["deliver"]}
    assert problem_of(errors.VersionConflictError("g/s", 1, 2)).members == {"expected": 1, "actual": 2}
    assert problem_of(errors.InvalidDataError("x", path="data.a")).members == {"path": "data.a"}


def test_an_error_of_a_users_own_has_the_place_of_its_base():
    """With its own code."""

    class CreditError(errors.TransitionNotAllowedError):
        code = "credit"

    problem = problem_of(CreditError("new", "pay", None))
    assert (problem.status, problem.code) == (422, "credit")


def test_a_problem_of_a_services_own():
    """Is told in the same form."""
    problem = Problem(503, "draining", "This process is ending.", retry_after=0.2, members={"pid": 1})
    assert problem.to_dict() == {
        "type": "urn:problem-type:tai-state:draining",
        "title": "This process is ending.",
        "status": 503,
        "code": "draining",
        "retry_after": 0.2,
        "pid": 1,
    }
