# Generated from tai_state/_async/recovery/backups.py by .ci/generate_sync.py; do not edit.
"""Exports in a folder: the newest one that is sound, by reading each to its end."""
import os
from pathlib import Path

from tai_state._sync.recovery.export_file import ExportReader
from tai_state._platform.folders import names_in
from tai_state._platform.line_files import LineReader
from tai_state.errors import BadExportError, SchemaVersionError
from tai_state.rules.recovery.backup_names import only_series


def newest_sound(folder: Path) -> tuple[str, list[str]]:
    """Return the newest sound export in *folder*, and what is wrong with each that is newer.

    Raises:
        BadExportError: None of them is sound; tells of the newest one.
        ConfigurationError: There is none, or there are those of several stores or governors.
    """
    wrong: list[str] = []
    first: BadExportError | SchemaVersionError | None = None
    for name in only_series(names_in(folder), os.fspath(folder)):
        file = os.fspath(folder / name)
        try:
            _check(file)
        except (BadExportError, SchemaVersionError) as error:
            first = first or error
            wrong.append(str(error))
        else:
            return file, wrong
    assert first is not None
    raise first


def _check(file: str) -> None:
    """Read an export to its end.

    Raises:
        BadExportError, SchemaVersionError: It is not as it was written, or a newer release wrote it.
    """
    lines = LineReader(file)
    reader = ExportReader(file, lines)
    try:
        reader.header()
        for _ in reader.pieces():
            pass
    finally:
        reader.close()
        lines.close()
