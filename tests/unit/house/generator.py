"""The generator of the sync twins, loaded from its program, and what tests ask of it."""

import importlib.util
import sys
import textwrap
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / ".ci" / "generate_sync.py"
SPEC = importlib.util.spec_from_file_location("generate_sync", SCRIPT)
assert SPEC
assert SPEC.loader
generate_sync = importlib.util.module_from_spec(SPEC)
sys.modules[SPEC.name] = generate_sync
SPEC.loader.exec_module(generate_sync)

PATH = "tai_state/_async/module.py"
HEADER = f"# Generated from {PATH} by .ci/generate_sync.py; do not edit.\n"


def translate(source):
    """Return the twin of *source* without its header."""
    result = generate_sync.translate_source(textwrap.dedent(source).lstrip("\n"), PATH)
    assert result.startswith(HEADER)
    return result.removeprefix(HEADER)


def refusal(source):
    """Return why *source* is refused."""
    with pytest.raises(generate_sync.UntranslatableError) as caught:
        translate(source)
    return str(caught.value)
