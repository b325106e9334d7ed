"""The kinds of values that several commands take as options."""

from datetime import datetime

import click

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
