"""Writes docs/openapi.json from the table of the server's routes.

python .ci/generate_openapi.py            write it
python .ci/generate_openapi.py --check    fail where the file says something else
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / ".ci")]

from pages import write_or_check  # noqa: E402 - beside this script, wherever it is started

from tai_state.server.http.openapi import text_of  # noqa: E402 - of this repository, not of an installed package
from tai_state.server.http.resources import ROUTES  # noqa: E402

FILE = ROOT / "docs" / "openapi.json"

if __name__ == "__main__":
    raise SystemExit(write_or_check(FILE, lambda _: text_of(ROUTES)))
