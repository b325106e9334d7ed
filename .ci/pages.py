"""Pages of which a part is generated: it stands between two marks, is written, or compared with ``--check``."""

import difflib
import sys
from collections.abc import Callable
from pathlib import Path


def placed(page: str, begin: str, end: str, text: str) -> str:
    """Return *page* with *text* between its two marks."""
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n\n{text}\n\n{end}{after}"


def write_or_check(path: Path, generated: Callable[[str], str]) -> int:
    """Write the page at *path* as *generated* makes it; with ``--check`` say what differs, and return 1 then."""
    page = path.read_text(encoding="utf-8")
    wanted = generated(page)
    if "--check" in sys.argv[1:]:
        lines = (page.splitlines(), wanted.splitlines())
        for line in difflib.unified_diff(*lines, "the page", "what is generated", n=0, lineterm=""):
            print(line)
        print(f"{path.parent.name}/{path.name}", "is up to date" if page == wanted else "differs: run make generate")
        return int(page != wanted)
    path.write_text(wanted, encoding="utf-8")
    return 0
