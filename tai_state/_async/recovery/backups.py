"""Exports in a folder: the newest one that is sound, by reading each to its end."""

import os
from pathlib import Path

from tai_state._async.recovery.export_file import AsyncExportReader
from tai_state._platform.folders import names_in
from tai_state._platform.line_files import LineReader
from tai_state.errors import BadExportError, SchemaVersionError
from tai_state.rules.recovery.backup_names import only_series


async def async_newest_sound(folder: Path) -> tuple[str, list[str]]:
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
            await _async_check(file)
        except (BadExportError, SchemaVersionError) as error:
            first = first or error
            wrong.append(str(error))
        else:
            return file, wrong
    assert first is not None
    raise first


async def _async_check(file: str) -> None:
    """Read an export to its end.

    Raises:
        BadExportError, SchemaVersionError: It is not as it was written, or a newer release wrote it.
    """
    lines = LineReader(file)
    reader = AsyncExportReader(file, lines)
    try:
        await reader.header()
        async for _ in reader.pieces():
            pass
    finally:
        await reader.close()
        lines.close()
