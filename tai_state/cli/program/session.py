"""The options of one call that every command takes, and the store that they name."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import click

from tai_state.cli.program.output import note
from tai_state.cli.program.waiting import waiting

if TYPE_CHECKING:
    from pathlib import Path

    from tai_state import StateStore
    from tai_state.settings.model import Settings


@dataclass(frozen=True)
class Session:
    """What was said beside the command.

    Args:
        url: The store's URL; None: as the settings say, or else as ``connect`` decides.
        as_json: Whether programs read the output.
        timeout: How many seconds a call of the store may take; None: as the store decides.
        actor: Who makes the changes; None: as the store's own order finds.
        reason: Why they are made.
        config: The file of settings; None: the one that ``load`` finds.
    """

    url: str | None = None
    as_json: bool = False
    timeout: float | None = None
    actor: str | None = None
    reason: str | None = None
    config: str | None = None

    @cached_property
    def settings(self) -> "Settings":
        """What the file of settings and the environment say.

        Raises:
            ConfigurationError: They say what is no setting.
        """
        from tai_state.config import load  # noqa: PLC0415 - here and below: `--help` waits for nothing of the library

        return load(self.config)

    @property
    def place(self) -> str | None:
        """The store's URL; None: as ``connect`` decides."""
        return self.settings.store if self.url is None else self.url

    @property
    def options(self) -> dict[str, Any]:
        """What ``connect`` and ``async_connect`` are told beside the URL."""
        # A feed is switched on for good: by the program that has it, and not by who looks.
        options: dict[str, Any] = {"settings": self.settings, "feed": None}
        if self.timeout is None:
            return options
        return options | {"retry": replace(self.settings.retry, deadline=self.timeout)}

    def waiting(self) -> AbstractContextManager[None]:
        """Have it said on stderr, once, when the store is silent for two seconds; a program needs no such comfort."""
        if self.as_json:
            return nullcontext()
        from tai_state.urls import parse_url  # noqa: PLC0415

        limit = self.settings.retry.deadline if self.timeout is None else self.timeout
        return waiting(note, f"the store {parse_url(self.place).text}, {limit:g} s a call at most (--timeout)")

    def required_reason(self, what: str) -> str:
        """Return why it is done: *what*, such as "a lock is broken", is never done without a reason.

        Raises:
            UsageError: None was given.
        """
        if self.reason is None or not self.reason.strip():
            message = f"{what} for a reason only: say it with --reason TEXT"
            raise click.UsageError(message)
        return self.reason

    @contextmanager
    def writing(self) -> Iterator["StateStore"]:
        """Open the store to change what is in it.

        Raises:
            StoreMissingError: There is no such file: what is to be changed is in a store that is there.
        """
        from tai_state import connect  # noqa: PLC0415

        self._look_for_it()
        with self.waiting(), connect(self.place, **self.options) as store:
            yield store

    @contextmanager
    def reading(self) -> Iterator["StateStore"]:
        """Open the store to read from it: nothing is made or changed, and a read-only file system will do.

        Raises:
            StoreMissingError: There is no such file.
        """
        from tai_state import connect  # noqa: PLC0415

        options = {**self.options, "read_only": True} if self._look_for_it() == "sqlite" else self.options
        with self.waiting(), connect(self.place, **options) as store:
            yield store

    def opened(self, *, dry_run: bool) -> AbstractContextManager["StateStore"]:
        """Open the store to change what is in it; for a dry run to read from it.

        Raises:
            StoreMissingError: There is no such file.
        """
        return self.reading() if dry_run else self.writing()

    def _look_for_it(self) -> str:
        """Return the scheme of the store, which is made by no command that works on one that is there.

        Raises:
            StoreMissingError: There is no such file, or there is nothing in it.
        """
        from pathlib import Path  # noqa: PLC0415

        from tai_state import StoreMissingError  # noqa: PLC0415
        from tai_state.urls import parse_url  # noqa: PLC0415

        parsed = parse_url(self.place)
        if parsed.scheme == "sqlite" and _is_nothing(Path(parsed.path)):
            message = f"there is no store at {Path(parsed.path).absolute()}; name another with --store"
            raise StoreMissingError(message)
        return parsed.scheme


def _is_nothing(path: "Path") -> bool:
    # An empty file is what `touch` makes, and what a store would be made in.
    return not path.exists() or (path.is_file() and path.stat().st_size == 0)


pass_session = click.make_pass_decorator(Session, ensure=True)
