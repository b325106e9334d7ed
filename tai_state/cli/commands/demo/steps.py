"""What to try after the demo: whole command lines, as they must be typed where the demo was run."""

import shlex
import shutil
import sys
from pathlib import Path

from tai_state.cli.commands.demo.plan import STATE


def program_as_typed() -> str:
    """Return how this program is called from here: by its name where the shell finds it, else by its path."""
    script = Path(sys.executable).with_name("tai-state")
    if not script.exists():
        return f"{shlex.quote(sys.executable)} -m tai_state"
    found = shutil.which("tai-state")
    if found is not None and Path(found).resolve() == script.resolve():
        return "tai-state"
    here = Path.cwd()
    if script.parent == here:
        # A bare name would be looked for elsewhere.
        return "./tai-state"
    return shlex.quote(str(script.relative_to(here) if script.is_relative_to(here) else script))


def commands_to_try(store_url: str, governor: str, *, stays: bool) -> list[str]:
    """Return three commands that look at what the demo has left, or that run it where it leaves something.

    Args:
        stays: Whether the store is still there when the demo has ended.
    """
    program, store = program_as_typed(), shlex.quote(store_url)
    if not stays:
        return [
            f"export $({program} emulator start)",
            f"{program} --store {store} demo",
            f"{program} --store {store} governors",
        ]
    return [
        f"{program} --store {store} stats",
        f"{program} --store {store} history {governor} {STATE} --limit 10",
        f"{program} --store {store} show {governor} {STATE} --version 5",
    ]
