"""What can go wrong at the command line: its own errors, the exit codes, and how a person or a program is told."""

import errno
import io
import sys
from collections.abc import Callable
from typing import Any

import click

from tai_state.cli.program.output import json_line, printable
from tai_state.errors import (
    ConfigurationError,
    DeadlineExceededError,
    InvalidDataError,
    InvalidIdError,
    OutcomeUnknownError,
    RetriesExhaustedError,
    StoreError,
    TaiStateError,
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


class GovernorNotFoundError(TaiStateError, LookupError):
    """The governor never had a state."""

    code = "governor_not_found"

    def __init__(self, governor_id: str) -> None:
        """Name the governor."""
        super().__init__(f"governor {governor_id!r} has no states, and never had any")
        self.governor_id = governor_id


class StoreMissingError(StoreError):
    """A file that was to be read is not there; reading never makes one."""

    code = "store_missing"


class InterruptedWorkError(TaiStateError):
    """Ctrl-C ended the work; the message says how far it came."""

    code = "interrupted"


def exit_code_of(error: TaiStateError) -> int:
    """Return the exit code that tells of *error*."""
    if isinstance(error, InterruptedWorkError):
        return INTERRUPTED
    if isinstance(error, _USAGE_ERRORS):
        return USAGE
    if isinstance(error, _UNREACHABLE_ERRORS) and not isinstance(error, UnsupportedOperationError):
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
        return _usage(error, as_json=as_json)
    except click.ClickException as error:
        _tell("file", error.format_message(), as_json=as_json)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        _tell(InterruptedWorkError.code, "interrupted", as_json=as_json)
        return INTERRUPTED
    except TaiStateError as error:
        _tell(error.code, _message_of(error), as_json=as_json, **getattr(error, "details", {}))
        return exit_code_of(error)
    except OSError as error:
        # The reader of a pipe that went away, as `head` does, wants to hear nothing more.
        if error.errno != errno.EPIPE:
            _tell("os", str(error), as_json=as_json)
        return LEFT
    return code if isinstance(code, int) else SOUND


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
        click.echo(printable(told.getvalue(), keep_lines=True), err=True, nl=False)
    return error.exit_code


def _tell(code: str, message: str, *, as_json: bool, **details: Any) -> None:
    if as_json:
        click.echo(json_line({"error": code, "message": message, **details}), err=True)
        return
    label = click.style("error:", fg="red", bold=True)
    click.echo(f"{label} {printable(message, keep_lines=True)}", err=True)
