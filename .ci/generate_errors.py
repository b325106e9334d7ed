"""Write the table of all errors in docs/errors.md from the classes themselves; ``--check`` proves that it is theirs."""

from __future__ import annotations

import argparse
import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tai_state import errors  # noqa: E402 - of this repository, not of an installed package
from tai_state.adapters.problems import place_of  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PAGE = ROOT / "docs" / "errors.md"
BEGIN = "<!-- The table is generated: make generate -->\n"
END = "<!-- The end of the table -->\n"


def tree(kind: type[errors.TaiStateError] = errors.TaiStateError) -> Iterator[type[errors.TaiStateError]]:
    """Yield every error of the package, each before those that it is a base of."""
    yield kind
    own = [one for one in kind.__subclasses__() if getattr(errors, one.__name__, None) is one]
    for one in sorted(own, key=lambda one: one.__name__):
        yield from tree(one)


def bases(kind: type) -> list[str]:
    """Return the names by which users catch *kind*, too: its families, and Python's own classes."""
    found = []
    for base in kind.__bases__:
        if base is errors.TaiStateError or base is Exception:
            continue
        found += [f"`{base.__name__}`", *(bases(base) if issubclass(base, errors.TaiStateError) else [])]
    return list(dict.fromkeys(found))


def again(kind: type[errors.TaiStateError]) -> str:
    """Return whether calling again helps, and after how many seconds about."""
    if kind.retryable:
        return f"after {kind.retry_seconds:g} s"
    # Where it depends on the call, the constructor is told.
    depends = "retryable" in inspect.signature(kind).parameters
    return f"if `retryable`, after {kind.retry_seconds:g} s" if depends else "no"


def row(kind: type[errors.TaiStateError]) -> str:
    """Return the line of the table that tells of *kind*."""
    meaning = inspect.getdoc(kind)
    assert meaning is not None, kind
    names = (f"`{kind.code}`", f"`{kind.__name__}`")
    cells = (*names, again(kind), str(int(place_of(kind).status)), ", ".join(bases(kind)), meaning.partition("\n")[0])
    return f"| {' | '.join(cells)} |\n".replace("``", "`")


def table() -> str:
    """Return the whole table."""
    head = "| Code | Class | Call again | HTTP | Caught as, too | What it means |\n|---|---|---|---|---|---|\n"
    return head + "".join(map(row, tree()))


def filled(page: str) -> str:
    """Return *page* with the table in its place."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check the table.

    Returns:
        0 when it is right (now), 1 when ``--check`` found a difference.
    """
    parser = argparse.ArgumentParser(description="Write the table of all errors in docs/errors.md.")
    parser.add_argument("--check", action="store_true", help="change nothing; fail when the table is not right")
    options = parser.parse_args(arguments)
    page = PAGE.read_text(encoding="utf-8")
    is_right = filled(page) == page
    if options.check:
        print("docs/errors.md", "is up to date" if is_right else "differs: run make generate")
        return 0 if is_right else 1
    PAGE.write_text(filled(page), encoding="utf-8")
    print("docs/errors.md", "is as it was" if is_right else "written")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
