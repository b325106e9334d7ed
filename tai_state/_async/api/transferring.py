"""Carrying a store from one place to another, whatever their engines: to a file, and from it."""

import os
from pathlib import Path

from tai_state._async.api.store import AsyncStateStore
from tai_state._async.recovery.backups import async_newest_sound
from tai_state._async.recovery.export_file import AsyncExportReader, AsyncExportWriter
from tai_state._async.recovery.exporter import AsyncExport
from tai_state._async.recovery.importer import AsyncImport
from tai_state._async.recovery.verify import Progress, no_progress
from tai_state._platform.folders import folder_at, names_in, remove_from, written_in
from tai_state._platform.line_files import LineReader, LineWriter, NewFile
from tai_state.clock import TimeLimit
from tai_state.config import check_option
from tai_state.errors import ConfigurationError
from tai_state.layout import META, check_governor_id
from tai_state.models import ExportReport, ImportReport
from tai_state.rules.recovery.backup_names import Keeping, leftovers, series_of, surplus
from tai_state.rules.recovery.export_lines import Header


async def async_export_store(
    store: AsyncStateStore,
    file: str | os.PathLike[str],
    governor_id: str | None = None,
    *,
    overwrite: bool = False,
    keeping: Keeping | None = None,
    progress: Progress = no_progress,
    timeout: TimeLimit = None,
) -> ExportReport:
    """Write all that a store holds, or one governor, to a file from which ``import_store`` makes it anew.

    The file holds lines of JSON, or what they hold as MessagePack where its name says ``.msgpack``, compressed where it
    ends in ``.gz``, ``.zst`` or ``.lz4``, and appears once it is whole. Carried are states, events, snapshots,
    segments, receipts, records of repairs and what they put aside; of the whole store also records of transactions and
    of broken locks; of locks the counters, of a governor alone those under which its states were written. It is safe
    beside live writers: each state is as of one moment, with all that belongs to it. What is damaged is carried as it
    is, and what cannot be read is told in ``left_out``.

    Args:
        file: A file, or a folder that is there: then the file in it is called by the store's time, and *keeping* says
            how, and how many of the earlier ones stay once it is there; all of them where something was left out. What
            an export there that was killed has left goes, once nobody wrote to it for a day.
        governor_id: Export this one alone.
        overwrite: Take the place of a file that is there.
        progress: Called before each state with its governor's id, and its own as stored.
        timeout: Bounds each page that is read.

    Raises:
        FileExistsError: The file is there, and not to be overwritten.
        ConfigurationError: It is one of the store's own; *keeping* is told of a file; or what its name asks for is not
            installed.
        OSError: It cannot be written.
    """
    check_option(keeping, Keeping, "keeping")
    runtime = store.runtime
    access = runtime.access
    if governor_id is not None:
        governor_id = check_governor_id(governor_id)
    folder = folder_at(file)
    if keeping is not None and folder is None:
        message = f"keeping is for exports in a folder that is there, and {os.fspath(file)!r} is none"
        raise ConfigurationError(message)
    with runtime.inflight.one("export", governor_id):
        meta = (await access.read([META], access.begin(timeout))).get(META)
        store_id = meta.fields.get("store_id") if meta is not None else ""
        now = await access.server_time(access.begin(timeout))
        header = Header(store_id if isinstance(store_id, str) else "", governor_id, now.isoformat())
        kept = keeping or Keeping()
        path = Path(file) if folder is None else folder / kept.name(now, series_of(header.store_id, governor_id))
        with NewFile(os.fspath(path), access.new_id(), overwrite=overwrite, spared=access.backend.files) as new:
            lines = LineWriter(new)
            writer = AsyncExportWriter(lines, header)
            try:
                export = AsyncExport(access, writer, progress, timeout)
                if governor_id is None:
                    await export.all()
                else:
                    await export.governor(governor_id)
                await writer.end(new.keep)
            finally:
                await writer.close()
                lines.close()
        report = export.report(os.fspath(path), governor_id)
        if folder is not None:
            remove_from(folder, leftovers(written_in(folder), path.name))
        # Where the new one lacks something, an earlier one may be the last that has it.
        if folder is not None and report.is_whole:
            remove_from(folder, surplus(names_in(folder), path.name, kept.keep))
    return report


async def async_import_store(
    store: AsyncStateStore,
    file: str | os.PathLike[str],
    *,
    progress: Progress = no_progress,
    timeout: TimeLimit = None,
) -> ImportReport:
    """Make what an export holds in this store, and check every governor of it as ``verify`` does.

    What is there already with the same history stays as it is, and one that is there with the beginning of it goes on;
    so an import that was stopped anywhere goes on where it is called again. The counter of every lock is raised by
    2^20, once, and whoever holds it holds it no more: no token that was given out before is valid any more. Events keep
    the time at which they were committed, receipts the time at which they expire. The store stays the one that it is,
    with an id of its own. Nobody should work on the states of the file before it is done.

    Args:
        file: A file, or a folder of exports of one store: the newest sound one of them is taken, and those before it
            are told in ``passed_over``. Each is read to its end for that, before anything is written.
        progress: Called for each state that is written or checked, with its governor's id, and its own as stored.
        timeout: Bounds each commit, and each page of the check.

    Raises:
        BadExportError: The file is no export, or not as it was written; names the line. Of a folder: all of them.
        ConfigurationError: The folder holds no export, or those of several stores.
        SchemaVersionError: A newer release wrote it.
        HistoryConflictError: A state is there with another history; names it, and nothing of it was changed.
        OSError: The file cannot be read.
        UnsupportedOperationError: The store was opened to read only.
    """
    runtime = store.runtime
    with runtime.inflight.one("import"):
        name, passed_over = os.fspath(file), list[str]()
        folder = folder_at(file)
        if folder is not None:
            name, passed_over = await async_newest_sound(folder)
        lines = LineReader(name)
        reader = AsyncExportReader(name, lines)
        try:
            joining = AsyncImport(runtime.access, reader, progress, timeout)
            header = await joining.run()
        finally:
            await reader.close()
            lines.close()
    return joining.report(name, header, passed_over)
