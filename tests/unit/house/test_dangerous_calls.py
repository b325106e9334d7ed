"""Nothing that is shipped makes objects or runs programs out of text: each way is planted, and ruff sees it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.docs.pages import ROOT

PLANTED = [
    "from pickle import loads",
    "import pickle",
    "import cloudpickle",
    "import dill",
    "import marshal",
    "import shelve",
    "import multiprocessing",
    "from multiprocessing import connection",
    "from multiprocessing.connection import Client",
    "import yaml",
    "from yaml import safe_load",
    "from ruamel.yaml import YAML",
    "from xml.etree import ElementTree",
    "import code",
    "eval(text)",
    "exec(text)",
    "os.system(text)",
    "os.popen(text)",
    "subprocess.run(text, shell=True, check=True)",
    "subprocess.Popen(text, shell=is_shell)",
    "subprocess.getoutput(text)",
    "asyncio.create_subprocess_shell(text)",
]
SOUND = ["from multiprocessing_utils import wait", "json.loads(text)", "ast.literal_eval(text)"]
HEAD = "import ast\nimport asyncio\nimport json\nimport os\nimport subprocess\n"


def ruff(*arguments, text=None):
    """Return what ruff finds."""
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format=json", *arguments]
    done = subprocess.run(command, cwd=ROOT, input=text, capture_output=True, text=True, timeout=60, check=False)
    found = json.loads(done.stdout)
    assert isinstance(found, list)
    return found


def seen(place, lines):
    """Return those of the *lines* that the rules of security refuse in a file of that place."""
    told = ruff(f"--stdin-filename={place}", "-", text=HEAD + "\n".join(lines))
    assert "invalid-syntax" not in {one["code"] for one in told}
    before = HEAD.count("\n")
    refused = {one["location"]["row"] - before for one in told if one["code"].startswith(("S", "TID251"))}
    return [line for row, line in enumerate(lines, 1) if row in refused]


@pytest.mark.parametrize("place", ["tai_state/planted.py", "infra/service/orders/planted.py", ".ci/planted.py"])
def test_what_runs_or_unpickles_text_is_refused(place):
    """In the package, in the example service and in our own programs; and what only reads is not."""
    assert seen(place, PLANTED + SOUND) == PLANTED


def test_the_package_has_no_exceptions_but_these():
    """The emulator's broker sends bytes over a connection, settings may be YAML, and SCXML is XML; new ones stand here.

    That YAML makes plain values alone is shown by `test_what_is_no_setting_is_refused_by_name`, and that XML with a
    document type, without which it names no entity and no file, is not read by
    `test_xml_that_is_no_chart_or_names_other_files_is_refused`.
    """
    # Stricter than the lint: what a line excuses for itself is found as well.
    found = ruff("tai_state", "--ignore-noqa", "--select=TID251,S102,S301,S307,S506,S602,S605")
    assert {Path(one["filename"]).relative_to(ROOT).as_posix() for one in found} == {
        "tai_state/machine/formats/scxml.py",
        "tai_state/settings/yaml_files.py",
        "tai_state/testing/fixtures.py",
    }
