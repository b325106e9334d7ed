"""The public face of the feeds: both colours, each imported when it is asked for."""

import importlib
import subprocess
import sys

import pytest

import tai_state.feeds
from tests.bare import bare_environment


@pytest.mark.parametrize("name", tai_state.feeds.__all__)
def test_a_name_is_what_its_module_defines(name):
    """And is an attribute like any other."""
    (home,) = [module for module, names in tai_state.feeds.HOMES.items() if name in names]
    assert getattr(tai_state.feeds, name) is getattr(importlib.import_module(home), name)
    assert name in dir(tai_state.feeds)


def test_one_colour_does_not_import_the_other():
    """Nor does the package import any before it is asked."""
    code = (
        "import sys, tai_state.feeds\n"
        "assert not [name for name in sys.modules if name.startswith(('tai_state._async', 'tai_state._sync'))]\n"
        "tai_state.feeds.StateContainer\n"
        "assert not [name for name in sys.modules if name.startswith('tai_state._async')]\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=bare_environment())
