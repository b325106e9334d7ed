"""Commands whose help ends with examples: every command has one, and the tests run them all."""

from collections.abc import Sequence
from typing import Any

import click


class _WithExamples(click.Command):
    """A command that shows how it is called."""

    def __init__(self, *arguments: Any, examples: Sequence[str], **options: Any) -> None:
        """Take click's arguments, and the *examples*: whole command lines."""
        super().__init__(*arguments, **options)
        self.examples = tuple(examples)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples as they are, a line each, and the epilog behind them."""
        with formatter.section("Examples" if len(self.examples) > 1 else "Example"):
            for example in self.examples:
                # Not wrapped: a command line is copied whole.
                formatter.write(f"{'':{formatter.current_indent}}{example}\n")
        super().format_epilog(ctx, formatter)


class Command(_WithExamples):
    """A command with examples."""


class Group(_WithExamples, click.Group):
    """A group of commands, with examples of its own."""
