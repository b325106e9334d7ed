"""The program: the global options, and the one place where errors end."""

import io
import sys
from collections.abc import Sequence
from typing import Any

import click

from tai_state import __version__, change_context
from tai_state.cli.program.command import Group
from tai_state.cli.program.failures import guarded
from tai_state.cli.program.session import Session
from tai_state.urls import FORMS


class Program(Group):
    """A group whose ``main`` ends with the contract's exit codes, and never with a foreseen traceback."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: FBT001, FBT002 - click's signature
        **extra: Any,
    ) -> Any:
        """Run the program and exit; with ``standalone_mode=False`` return or raise as click does."""
        given = list(sys.argv[1:] if args is None else args)

        def run() -> object:
            return super(Program, self).main(given, prog_name, complete_var, standalone_mode=False, **extra)

        if not standalone_mode:
            return run()
        for stream in (sys.stdout, sys.stderr):
            # A terminal or a file that cannot show a character gets its escape instead of our death.
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        sys.exit(guarded(run, as_json="--json" in given))


@click.group(
    examples=["tai-state --store sqlite:///i.db governors"],
    cls=Program,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 sound, 1 something is left (not found, conflict, findings), 2 bad usage, "
    "3 store unreachable, 130 interrupted.",
)
@click.option("--store", "url", metavar="URL", help=f"{FORMS}. Without it: $TAI_STATE_STORE, or ./tai_state.db.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON: a line for each thing of a list; errors too.")
@click.option("--actor", metavar="NAME", help="Who makes the changes.")
@click.option("--reason", metavar="TEXT", help="Why they are made.")
@click.version_option(__version__, prog_name="tai-state")
@click.pass_context
def main(context: click.Context, url: str | None, as_json: bool, actor: str | None, reason: str | None) -> None:  # noqa: FBT001 - click passes options by name
    """Look into a store of tai_state, fill it, and prove that it holds what it should."""
    context.obj = Session(url, as_json)
    # For every change that a command makes, whatever it calls.
    context.with_resource(change_context(changed_by=actor, reason=reason))
