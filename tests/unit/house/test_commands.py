"""Every command of the command line is listed, shows how it is called, and is documented."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
import pytest

from tai_state.cli import commands, main
from tai_state.cli.commands import COMMANDS
from tai_state.cli.program.command import Command, Group

ROOT = Path(__file__).parents[3]
GLOBAL_OPTIONS = r"(?: --(?:json|(?:store|timeout|actor|reason) \S+))*"


def unlisted(folder: Path, listed: Iterable[click.Command]) -> list[str]:
    """Return the files and folders of commands, in *folder*, that no listed command is called like."""
    # A command that is a word of Python, such as import, has a file with an underscore behind it.
    names = {(command.name or "").replace("-", "_") for command in listed}
    found = {path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    return sorted(name for name in found - {"__init__"} if name.rstrip("_") not in names)


def walk(listed: Iterable[click.Command], path: str = "") -> Iterator[tuple[str, click.Command]]:
    """Yield every command, groups included, with what is typed for it."""
    for command in listed:
        typed = f"{path} {command.name}".strip()
        yield typed, command
        if isinstance(command, click.Group):
            yield from walk(command.commands.values(), typed)


def without_example(listed: Iterable[click.Command]) -> list[str]:
    """Return the commands of which no example of their own shows how they are called."""
    return [
        typed
        for typed, command in walk(listed)
        if not any(is_called(typed, example) for example in getattr(command, "examples", ()))
    ]


def is_called(typed: str, text: str) -> bool:
    """Whether *text* has a command line that calls the command."""
    return re.search(rf"\btai-state{GLOBAL_OPTIONS} {re.escape(typed)}(?![\w-])", text) is not None


def undocumented(listed: Iterable[click.Command], text: str) -> list[str]:
    """Return the commands that *text* does not show."""
    return [typed for typed, _ in walk(listed) if not is_called(typed, text)]


def documentation() -> str:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    return "\n".join(page.read_text(encoding="utf-8") for page in pages)


# The command line itself.


def test_every_command_is_listed():
    """Each file and folder of commands is one of the list's, and each of the list's is the program's."""
    assert unlisted(Path(commands.__file__).parent, main.commands.values()) == []
    assert set(COMMANDS) == set(main.commands) == {command.name for command in main.commands.values()}


def test_every_command_has_an_example():
    """A whole command line, which the tests of the program run."""
    assert without_example(main.commands.values()) == []


def test_every_command_is_documented():
    """README.md or a page of docs shows it."""
    assert undocumented(main.commands.values(), documentation()) == []


def test_the_help_of_the_program_says_of_each_command_what_its_own_help_begins_with():
    """It is written down beside the names, so that the list of commands imports none."""
    for name, command in main.commands.items():
        assert (command.help or "").splitlines()[0] == COMMANDS[name]


# The rules, each shown what breaks it and what does not.


@pytest.fixture
def listed():
    """A command, and a group with another one."""
    group = Group("tool", examples=["tai-state tool mend"])
    group.add_command(Command("mend", examples=["tai-state --store memory:// --json tool mend x"]))
    return [Command("look", examples=["tai-state look"]), group]


def test_a_file_that_nobody_lists_is_found(listed, tmp_path):
    """A module or a folder with code; what Python leaves behind is neither."""
    for name in ("__init__.py", "look.py", "hidden.py"):
        (tmp_path / name).touch()
    for name in ("tool", "buried"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
    (tmp_path / "__pycache__").mkdir()
    assert unlisted(tmp_path, listed) == ["buried", "hidden"]


def test_a_command_may_be_a_word_of_python(tmp_path):
    """Its file has an underscore that the command has not."""
    (tmp_path / "import_.py").touch()
    assert unlisted(tmp_path, [Command("import", examples=[])]) == []


def test_a_command_without_an_example_of_its_own_is_found(listed):
    """None at all, and one of something else."""
    assert without_example(listed) == []
    listed[1].add_command(Command("bend", examples=["tai-state tool mend"]))
    assert without_example([*listed, click.Command("plain")]) == ["tool bend", "plain"]


@pytest.mark.parametrize(
    "text",
    [
        "tai-state look; tai-state tool mend",
        "`tai-state --json look` and\n    tai-state --store sqlite:///i.db --actor me tool mend FILE",
    ],
)
def test_what_a_text_shows_is_documented(listed, text):
    """With and without global options; a group is documented by its commands."""
    assert undocumented(listed, text) == []


@pytest.mark.parametrize("text", ["", "look", "tai-state looks", "tai-state look-at", "tai-state: look"])
def test_what_a_text_does_not_show_is_found(listed, text):
    """Neither a longer word nor a word alone is the command."""
    assert undocumented(listed, text) == ["look", "tool", "tool mend"]


def test_a_group_does_not_document_its_commands(listed):
    """Each of them is to be shown."""
    assert undocumented(listed, "tai-state look, tai-state tool") == ["tool mend"]
