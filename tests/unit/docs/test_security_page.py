"""docs/security.md: each line of the checklist has a command, and each command is one that there is."""

import ast
import re
import shlex
import shutil
from pathlib import Path

import click
import pytest

from tai_state.cli import main
from tests.unit.docs.pages import ROOT, page, rows, sections, targets
from tests.unit.infra.terraform import texts

PAGE = page("security.md")
CHECKLIST = [cells[1] for cells in rows(sections(PAGE)["Before production"])]
COMMANDS = [command for cell in CHECKLIST for command in re.findall(r"`([^`]+)`", cell)]
SHOWN = re.findall(r"(?m)^    export \w+=(.*)$", PAGE)
PROGRAMS = {"tai-state", "make", "terraform", "gcloud", "infra/restore-drill.sh"}


def commands(text, program):
    """Return the words behind *program*, of each command of *text* that calls it."""
    return [shlex.split(command)[1:] for command in text if command.split()[0] == program]


def parse(group, words, parent=None):
    """Take *words* as the command line does, without running anything."""
    context = group.make_context(group.name, list(words), parent=parent)
    if isinstance(group, click.Group):
        rest = [*context._protected_args, *context.args]
        _, command, rest = group.resolve_command(context, rest)
        parse(command, rest, context)


def complaints(lines):
    """Return what the command line says of those of the *lines* that it would not take."""
    found = []
    for line in lines:
        try:
            parse(main, line)
        except click.UsageError as error:
            found.append(f"{' '.join(line)}: {error.format_message()}")
    return found


def test_each_line_has_one_command_of_a_known_program():
    """Nothing of it is only advice."""
    assert len(COMMANDS) == len(CHECKLIST)
    assert {command.split()[0] for command in COMMANDS} == PROGRAMS


def test_each_command_of_tai_state_is_taken(tmp_path, monkeypatch):
    """On the whole page, in the checklist and elsewhere; names and options."""
    (tmp_path / "order.json").touch()
    monkeypatch.chdir(tmp_path)
    lines = commands(re.findall(r"`(tai-state [^`]+)`", PAGE), "tai-state")
    assert ["doctor"] in lines
    assert complaints(lines) == []


@pytest.mark.parametrize("line", [["doctors"], ["doctor", "--machines", "m.json"], ["locks", "free"]])
def test_a_command_that_there_is_not_is_found(line):
    """By its name, an option, or the name of a part."""
    assert complaints([line]) != []


def test_each_target_of_make_is_there():
    """Those that check what is shipped are all named."""
    named = {words[0] for words in commands(COMMANDS, "make")}
    assert {"lint-infra", "licences", "sbom", "audit", "load"} <= named <= targets()


def test_each_output_of_terraform_is_there():
    """In the checklist, and before it."""
    named = set(re.findall(r"output -raw (\w+)", "\n".join([*COMMANDS, *SHOWN])))
    there = set(re.findall(r'(?m)^output "(\w+)"', texts()["outputs.tf"]))
    assert named == {"store_url", "service_account"}
    assert named <= there


def default(name):
    """Return what a variable of Terraform is where nobody says otherwise."""
    return re.findall(rf'(?ms)^variable "{name}" {{.*?^  default += "([^"]+)"', "\n".join(texts().values()))[0]


def test_each_name_is_the_one_that_terraform_gives():
    """Of the database and of the service, as they are by default."""
    text = "\n".join(COMMANDS)
    assert set(re.findall(r"--database[= ](\S+)", text)) == {default("database_id")}
    assert re.findall(r"run services \S+ (\S+)", text) == [default("name")]


def test_each_program_of_the_repository_is_there():
    """And may be run."""
    assert [one for one in PROGRAMS if "/" in one and not (ROOT / one).stat().st_mode & 0o100] == []


@pytest.mark.more
def test_each_command_of_gcloud_is_there():
    """With each of its own options, in the table by which gcloud completes what is typed."""
    # `make install` asks for gcloud: it brings the emulator.
    program = shutil.which("gcloud")
    assert program is not None
    table = Path(program).resolve().parents[1] / "data" / "cli" / "gcloud_completions.py"
    text = table.read_text(encoding="utf-8")
    tree = ast.literal_eval(text[text.index("{") :])
    for words in commands(COMMANDS, "gcloud"):
        known, flags = tree, set(tree["flags"])
        names = [word for word in words if not word.startswith("--")]
        while names and names[0] in known.get("commands", {}):
            known = known["commands"][names.pop(0)]
            flags |= set(known["flags"])
        assert "commands" not in known or not known["commands"], words
        assert {word.partition("=")[0] for word in words if word.startswith("--")} <= flags, words
