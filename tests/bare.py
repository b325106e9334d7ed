"""Processes of which a test looks at everything: nothing that measures the tests is loaded into them."""

import os


def bare_environment(**more: str) -> dict[str, str]:
    """Return this process's environment with *more* in it, and without what has coverage measured in a child."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_PROCESS")} | more
