"""The global options of one call, and the store that they name."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from tai_state import StateStore, connect
from tai_state.cli.program.failures import StoreMissingError
from tai_state.urls import parse_url


@dataclass(frozen=True, slots=True)
class Session:
    """What was said before the command.

    Args:
        url: The store's URL; None: as ``connect`` decides.
        as_json: Whether programs read the output.
    """

    url: str | None = None
    as_json: bool = False

    @contextmanager
    def reading(self) -> Iterator[StateStore]:
        """Open the store to read from it: a file that is not there is not made.

        Raises:
            StoreMissingError: There is no such file.
        """
        parsed = parse_url(self.url)
        if parsed.scheme == "sqlite" and not Path(parsed.path).exists():
            message = f"there is no store at {Path(parsed.path).absolute()}; name another with --store"
            raise StoreMissingError(message)
        with connect(self.url) as store:
            yield store


pass_session = click.make_pass_decorator(Session)
