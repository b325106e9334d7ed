"""The options that every command takes, before its name and behind it, and kinds of values that several take."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, tzinfo
from typing import Any

import click

from tai_state.cli.program.session import Session
from tai_state.urls import FORMS

KINDS = click.Choice(["keys", "sagas"])
"""What governors of the package's own hold."""

LIMIT = click.IntRange(min=0)
"""How many rows at most, or behind which one to begin."""


def aware_time(context: click.Context, parameter: click.Parameter, value: str | None) -> datetime | None:
    """Return the time that *value* is, as an option's ``callback``: nobody guesses whose time it is.

    Raises:
        BadParameter: The text is no time in ISO 8601, or has no offset.
    """
    del context, parameter  # click adds where it is to the error by itself
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError as error:
        message = f"{value!r} is no time in ISO 8601, such as 2026-03-31T15:00:00+00:00"
        raise click.BadParameter(message) from error
    if found.utcoffset() is None:
        message = f"{value!r} has no offset: add Z for UTC, or one such as +02:00"
        raise click.BadParameter(message)
    return found


def time_zone(context: click.Context, parameter: click.Parameter, value: str | None) -> tzinfo | None:
    """Return the zone that *value* names, as an option's ``callback``: one of the tz database, or an offset.

    Raises:
        BadParameter: There is no such zone here.
    """
    del context, parameter  # click adds where it is to the error by itself
    if value is None:
        return None
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # noqa: PLC0415 - few commands know zones

    try:
        if value[:1] in {"+", "-"}:
            return datetime.strptime(value, "%z").tzinfo
        return ZoneInfo(value)
    except (ValueError, OSError, ZoneInfoNotFoundError) as error:
        message = f"{value!r} is no time zone, such as Europe/Berlin, UTC or +02:00"
        raise click.BadParameter(message) from error


def kind_option() -> click.Option:
    """Return the option that says what a command's governor is, made anew for each."""
    return click.Option(
        ["--kind"],
        type=KINDS,
        help="What GOVERNOR names: keys, a group of keys; sagas, those of a governor. Without it, a governor of yours.",
    )


class SharedOption(click.Option):
    """An option of every command. It is told to the session, not to the command; what stands last goes first."""


def _session_field(name: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def tell(context: click.Context, parameter: click.Parameter, value: Any) -> None:
        del parameter
        # Behind the command's name an option that is not there takes nothing back.
        if value is not None:
            context.obj = replace(context.obj or Session(), **{name: value})

    return tell


def shared_options() -> list[click.Option]:
    """Return the options that every command takes, made anew for each."""

    def shared(*names: str, **attributes: Any) -> SharedOption:
        return SharedOption(list(names), expose_value=False, **attributes)

    return [
        shared(
            "--store",
            metavar="URL",
            callback=_session_field("url"),
            help=f"{FORMS}. Without it: $TAI_STATE_STORE, what ./tai-state.toml says, or ./tai_state.db.",
        ),
        shared(
            "--config",
            metavar="FILE",
            callback=_session_field("config"),
            help="The file of settings; without it $TAI_STATE_CONFIG, or ./tai-state.toml where it is.",
        ),
        shared(
            "--json",
            is_flag=True,
            default=None,
            callback=_session_field("as_json"),
            help="Write JSON: a line for each thing of a list; errors too.",
        ),
        shared(
            "--timeout",
            type=click.FloatRange(min=0, min_open=True),
            metavar="SECONDS",
            callback=_session_field("timeout"),
            help="How long one call of the store may take, retries included; 30 without it.",
        ),
        shared("--actor", metavar="NAME", callback=_session_field("actor"), help="Who makes the changes."),
        shared("--reason", metavar="TEXT", callback=_session_field("reason"), help="Why they are made."),
    ]
