"""Texts that cannot harm a terminal, and whether they may be coloured."""

import os
import re
from typing import IO, TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

# Everything but printable ASCII is looked at more closely; most texts have none.
_SUSPECT = re.compile(r"[^ -~]")


def printable(text: str, *, keep_lines: bool = False) -> str:
    """Return *text* with what a terminal would obey or not show as its escape, backslash and number."""

    def visible(found: re.Match[str]) -> str:
        char = found[0]
        if char.isprintable() or (keep_lines and char == "\n"):
            return char
        return char.encode("unicode_escape").decode()

    return _SUSPECT.sub(visible, text)


def json_line(value: object) -> str:
    """Return *value* as one line of JSON that no terminal obeys."""
    import json  # noqa: PLC0415 - `--help` writes none

    def escaped(found: re.Match[str]) -> str:
        return found[0] if found[0].isprintable() else json.dumps(found[0])[1:-1]

    # JSON leaves DEL, C1 controls and direction marks as they are.
    return _SUSPECT.sub(escaped, json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f"))


def is_plain() -> bool:
    """Whether nothing may be coloured or made bold: $NO_COLOR says so (no-color.org), or the terminal cannot."""
    return bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"


def emphasised(text: str) -> str:
    """Return *text* as the label of an error, for ``click.echo``, which leaves the colour out in a pipe."""
    return text if is_plain() else click.style(text, fg="red", bold=True)


def rich_console(file: IO[str]) -> "Console":
    """Return what draws on *file*, in colours where they are wanted."""
    # Imported here: `--help` and pipes need not wait for it.
    from rich.console import Console  # noqa: PLC0415

    return Console(file=file, highlight=False, color_system=None if is_plain() else "auto")
