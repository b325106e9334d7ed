"""The command that says whether the emulator can run here; ``emulator/ensure.sh`` uses it."""

import argparse
import sys
from collections.abc import Sequence

from tai_state.errors import ConfigurationError
from tai_state.testing.firestore_emulator.installation import find_emulator, missing_parts


def main(arguments: Sequence[str] | None = None) -> int:
    """Say what is installed, or which parts are missing, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tai_state.testing.firestore_emulator", description=main.__doc__)
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument(
        "--check", action="store_true", help="print what was found; exit 1 with the remedy if incomplete"
    )
    choice.add_argument(
        "--missing", action="store_true", help="print the missing parts, 'emulator' and 'java', one a line"
    )
    if parser.parse_args(arguments).missing:
        sys.stdout.write("".join(f"{part}\n" for part in missing_parts()))
        return 0
    try:
        found = find_emulator()
    except ConfigurationError as exc:
        sys.stderr.write(f"{exc}\n")
        return 1
    sys.stdout.write(f"{found.jar} ({found.found_by}: {found.java})\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
