"""Folders of files: few names, looked at and removed in one go; no loop waits long for them."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


def folder_at(place: str | os.PathLike[str]) -> Path | None:
    """Return the folder that is at *place*; None where there is none."""
    return Path(place) if Path(place).is_dir() else None


def names_in(folder: Path) -> list[str]:
    """Return the names of the files in *folder*."""
    return [entry.name for entry in folder.iterdir() if entry.is_file()]


def written_in(folder: Path) -> dict[str, float]:
    """Return when each file in *folder* was written last, in seconds, by the clock of where it is."""
    found: dict[str, float] = {}
    for name in names_in(folder):
        # Another export may have removed it, or moved it to its place.
        with suppress(FileNotFoundError):
            found[name] = (folder / name).stat().st_mtime
    return found


def remove_from(folder: Path, names: Iterable[str]) -> None:
    """Remove files; one that somebody else has removed is gone, too."""
    for name in names:
        (folder / name).unlink(missing_ok=True)
