"""The program itself, and the one place where errors end."""

import sys
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import click

from tai_state import __version__
from tai_state.cli.program.command import Group
from tai_state.cli.program.failures import ReaderGoneError, guarded
from tai_state.cli.program.streams import prepare_streams


class Program(Group):
    """A group whose ``main`` ends with the contract's exit codes, and never with a foreseen traceback.

    Attributes:
        summaries: What the help says of each command: to list them, none is imported.
    """

    summaries: Mapping[str, str] = MappingProxyType({})

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands with their summaries, as click does with what it takes from each command's help."""
        names = self.list_commands(ctx)
        limit = formatter.width - 6 - max(map(len, names))
        shown = [click.Command(name, help=self.summaries[name]).get_short_help_str(limit) for name in names]
        with formatter.section("Commands"):
            formatter.write_dl(list(zip(names, shown, strict=True)))

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
        prepare_streams()
        sys.exit(guarded(run, as_json="--json" in given))

    # click exits by itself, with 1, when the reader of a pipe has gone: no broken pipe may reach it.

    def make_context(self, *arguments: Any, **extra: Any) -> click.Context:
        """Read the options; ``--help`` writes here."""
        try:
            return super().make_context(*arguments, **extra)
        except BrokenPipeError as error:
            raise ReaderGoneError from error

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise ReaderGoneError from error


@click.group(
    examples=["tai-state --store sqlite:///i.db governors"],
    cls=Program,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 sound, 1 something is left (not found, conflict, findings), 2 bad usage, "
    "3 store unreachable, 130 interrupted.",
)
@click.version_option(__version__, prog_name="tai-state")
def main() -> None:
    """Look into a store of tai_state, fill it, and prove that it holds what it should."""
