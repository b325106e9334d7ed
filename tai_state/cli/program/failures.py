"""What can go wrong at the command line: its own errors, the exit codes, and how a person or a program is told."""

import contextlib
import errno
import io
import sys
from collections.abc import Callable, Mapping
from typing import Any

import click

from tai_state.cli.program.streams import drop_output
from tai_state.cli.program.texts import emphasised, json_line, printable
from tai_state.errors import (
    ConfigurationError,
    DamagedDocumentsError,
    DamagedStoreError,
    DeadlineExceededError,
    FencedOutError,
    InvalidDataError,
    InvalidIdError,
    OutcomeUnknownError,
    RetriesExhaustedError,
    StoreError,
    StoreInUseError,
    TaiStateError,
    TransitionNotAllowedError,
    UnsupportedOperationError,
)

SOUND = 0
LEFT = 1
"""Something is left: not found, a conflict, findings."""
USAGE = 2
UNREACHABLE = 3
INTERRUPTED = 130

_USAGE_ERRORS = (ConfigurationError, InvalidIdError, InvalidDataError)
_UNREACHABLE_ERRORS = (StoreError, DeadlineExceededError, RetriesExhaustedError, OutcomeUnknownError)
_ANSWERS = (UnsupportedOperationError, DamagedStoreError, DamagedDocumentsError, StoreInUseError)
"""Errors of a store that was reached: it lacks something, something of it is damaged, or somebody uses it."""


class GovernorNotFoundError(TaiStateError, LookupError):
    """The governor never had a state."""

    code = "governor_not_found"

    def __init__(self, governor_id: str) -> None:
        """Name the governor."""
        super().__init__(f"governor {governor_id!r} has no states, and never had any")
        self.governor_id = governor_id


class LockNotFoundError(TaiStateError, LookupError):
    """The lock was never taken."""

    code = "lock_not_found"

    def __init__(self, resource: str) -> None:
        """Name the lock."""
        super().__init__(f"lock {resource!r} was never taken; `tai-state locks list --all` shows those that were")
        self.resource = resource


class SubscriptionNotFoundError(TaiStateError, LookupError):
    """The subscription never began."""

    code = "subscription_not_found"

    def __init__(self, name: str) -> None:
        """Name the subscription."""
        super().__init__(f"subscription {name!r} has not begun; `tai-state subscriptions list` shows those that have")
        self.name = name


class OtherGrantError(TaiStateError):
    """The lock is not held under the token that was meant."""

    code = FencedOutError.code

    def __init__(self, resource: str, how_it_stands: str) -> None:
        """Say how it stands instead."""
        super().__init__(f"lock {resource!r} {how_it_stands}; nothing was done")
        self.resource = resource


class ReaderGoneError(Exception):
    """Whoever read our output has gone, as `head` does: it has all that it wanted, and that is no failure."""


class InterruptedWorkError(TaiStateError):
    """Ctrl-C ended the work; the message says how far it came."""

    code = "interrupted"


class StoppedWorkError(TaiStateError):
    """Long work ended before it was done; the cause says why, the message how far it came, too."""

    code = "stopped"

    def __init__(self, cause: TaiStateError, how_far: str, details: Mapping[str, object]) -> None:
        """Put *how_far* behind what *cause* says; *details* and those of the cause are for programs."""
        # What one call says of itself is not true of the work that it was a part of.
        super().__init__(_message_of(cause).replace("; nothing was written", "") + how_far)
        self.cause = cause
        self.details = {**details, **getattr(cause, "details", {})}


def exit_code_of(error: TaiStateError) -> int:
    """Return the exit code that tells of *error*."""
    if isinstance(error, StoppedWorkError):
        return exit_code_of(error.cause)
    if isinstance(error, InterruptedWorkError):
        return INTERRUPTED
    if isinstance(error, _USAGE_ERRORS):
        return USAGE
    if isinstance(error, _UNREACHABLE_ERRORS) and not isinstance(error, _ANSWERS):
        return UNREACHABLE
    return LEFT


def guarded(run: Callable[[], object], *, as_json: bool) -> int:
    """Call *run* and return the exit code; what it raises is told on stderr, without a traceback.

    What is not foreseen here is a defect of ours, and keeps its traceback.
    """
    try:
        code = run()
        sys.stdout.flush()
    except click.UsageError as error:
        code = _usage(error, as_json=as_json)
    except click.ClickException as error:
        _tell("file", error.format_message(), as_json=as_json)
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        _tell(InterruptedWorkError.code, "interrupted", as_json=as_json)
        code = INTERRUPTED
    except TaiStateError as error:
        code = _foreseen(error, as_json=as_json)
    except (ReaderGoneError, BrokenPipeError):
        drop_output()
        code = SOUND
    except OSError as error:
        code = _system_error(error, as_json=as_json)
    return code if isinstance(code, int) else SOUND


def _foreseen(error: TaiStateError, *, as_json: bool) -> int:
    why = error.cause if isinstance(error, StoppedWorkError) else error
    message = str(error) if why is not error else _message_of(error)
    _tell(why.code, message, as_json=as_json, **_details_of(error))
    return exit_code_of(error)


def _details_of(error: TaiStateError) -> Mapping[str, Any]:
    """Return what programs are told of *error* beside its message."""
    if isinstance(error, TransitionNotAllowedError):
        # An operator's next question: what would be allowed?
        return {"status": error.status, "action": error.action, "allowed": list(error.allowed)}
    details: Mapping[str, Any] = getattr(error, "details", {})
    return {**_details_of(error.cause), **details} if isinstance(error, StoppedWorkError) else details


def _system_error(error: OSError, *, as_json: bool) -> int:
    message = str(error)
    if error.errno == errno.EBADF:
        message = "a standard stream is closed"
        drop_output()
    _tell("os", message, as_json=as_json)
    return LEFT


def _message_of(error: TaiStateError) -> str:
    """Return what *error* says, and for a store that was tried again and again, what went wrong the last time."""
    cause = error.__cause__ or error.__context__
    if isinstance(error, _UNREACHABLE_ERRORS) and isinstance(cause, TaiStateError):
        return f"{error}; last: {cause}"
    return str(error)


def _usage(error: click.UsageError, *, as_json: bool) -> int:
    if as_json:
        _tell("usage", error.format_message(), as_json=True)
    else:
        told = io.StringIO()
        error.show(told)
        _say(printable(told.getvalue(), keep_lines=True).removesuffix("\n"))
    return error.exit_code


def _tell(code: str, message: str, *, as_json: bool, **details: Any) -> None:
    if as_json:
        _say(json_line({"error": code, "message": message, **details}))
    else:
        _say(f"{emphasised('error:')} {printable(message, keep_lines=True)}")


def _say(text: str) -> None:
    # Where stderr is gone, too, the exit code says what there is to say.
    with contextlib.suppress(OSError):
        click.echo(text, err=True)
