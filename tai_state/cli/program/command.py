"""Commands whose help ends with examples, and which take the options of the program behind their name, too."""

from collections.abc import Sequence
from typing import Any

import click

from tai_state.cli.program.options import SharedOption, kind_option, shared_options
from tai_state.cli.program.session import Session


class _WithExamples(click.Command):
    """A command that shows how it is called."""

    def __init__(self, *arguments: Any, examples: Sequence[str], **options: Any) -> None:
        """Take click's arguments, and the *examples*: whole command lines."""
        super().__init__(*arguments, **options)
        self.examples = tuple(examples)
        # An option of the command's own goes before one of the program's that is written alike.
        taken = {name for parameter in self.params for name in parameter.opts}
        self.params += [option for option in shared_options() if taken.isdisjoint(option.opts)]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the command's own options, then those that every command takes, then the commands of a group."""
        own: list[tuple[str, str]] = []
        shared: list[tuple[str, str]] = []
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and isinstance(parameter, click.Option):
                (shared if isinstance(parameter, SharedOption) else own).append(record)
        for title, records in (("Options", own), ("Options of every command", shared)):
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)
        if isinstance(self, click.Group):
            self.format_commands(ctx, formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples as they are, a line each, and the epilog behind them."""
        with formatter.section("Examples" if len(self.examples) > 1 else "Example"):
            for example in self.examples:
                # Not wrapped: a command line is copied whole.
                formatter.write(f"{'':{formatter.current_indent}}{example}\n")
        super().format_epilog(ctx, formatter)


_GOVERNORS = ("governor", "where")
"""Arguments that name a governor: by itself, or before a file."""


class Command(_WithExamples):
    """A command with examples; one that takes a governor takes those of the package's own, too, by their kind."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Take what its base takes."""
        super().__init__(*arguments, **options)
        if any(parameter.name in _GOVERNORS for parameter in self.params):
            self.params.append(kind_option())

    def invoke(self, ctx: click.Context) -> Any:
        """Run it; whatever it changes is signed as the options say."""
        from tai_state import change_context  # noqa: PLC0415 - `--help` waits for nothing of the library

        is_named = any(name in ctx.params for name in _GOVERNORS)
        if is_named and (kind := ctx.params.pop("kind", None)) is not None:
            _name_governor(ctx, kind)
        session = ctx.ensure_object(Session)
        with change_context(changed_by=session.actor, reason=session.reason):
            return super().invoke(ctx)


def _name_governor(ctx: click.Context, kind: str) -> None:
    """Take the governor of a command for one of the package's own.

    Raises:
        UsageError: None is given.
    """
    from tai_state.keys import OwnGovernor  # noqa: PLC0415 - as above

    name = next(name for name in _GOVERNORS if name in ctx.params)
    # One that is optional may stand before a file.
    given, *others = ctx.params[name] if isinstance(ctx.params[name], tuple) else (ctx.params[name],)
    if given is None:
        message = f"--kind {kind} says what GOVERNOR names: give one"
        raise click.UsageError(message, ctx)
    own = OwnGovernor(kind, given)
    ctx.params[name] = (own, *others) if others else own


class Group(_WithExamples, click.Group):
    """A group of commands, with examples of its own."""
