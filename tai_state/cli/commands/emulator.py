"""``emulator``: start, stop and status of the Firestore emulator of a project's folder."""

from contextlib import nullcontext
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from tai_state.cli.program.command import Command, Group
from tai_state.cli.program.failures import LEFT, SOUND
from tai_state.cli.program.output import note, put
from tai_state.cli.program.session import Session, pass_session
from tai_state.cli.program.texts import json_line, printable
from tai_state.cli.program.waiting import waiting

if TYPE_CHECKING:
    from tai_state.testing.firestore_emulator import EmulatorRecord

_PORTS = click.IntRange(1, 65535)


@click.group(cls=Group, examples=["tai-state emulator status"])
def emulator() -> None:
    """Run one Firestore emulator for the commands that follow.

    It belongs to the project's folder: the nearest one upwards with pyproject.toml, setup.py or .git, or else the
    working directory.
    """


@emulator.command(cls=Command, examples=["tai-state emulator start"])
@click.option("--port", type=_PORTS, help="Where it listens; any free port without it.")
@pass_session
def start(session: Session, port: int | None) -> None:
    """Start the emulator, or name the one that runs; it runs until `stop`.

    The output is what a shell takes: export $(tai-state emulator start)
    """
    # Imported where it is used, here and below: no other command needs the launcher.
    from tai_state.testing.firestore_emulator import START_TIMEOUT_SECONDS, start_detached  # noqa: PLC0415

    limit = START_TIMEOUT_SECONDS if session.timeout is None else session.timeout
    quiet = (
        nullcontext() if session.as_json else waiting(note, f"the emulator to start, {limit:g} s at most (--timeout)")
    )
    with quiet:
        record = start_detached(port, start_timeout_seconds=limit)
    _write(record, session)


@emulator.command(cls=Command, examples=["tai-state emulator stop"])
@pass_session
def stop(session: Session) -> None:
    """Stop the emulator that `start` started; what it held is gone."""
    from tai_state.testing.firestore_emulator import stop_detached  # noqa: PLC0415

    stopped = stop_detached()
    if session.as_json:
        put(json_line({"stopped": stopped}))
    else:
        put("stopped" if stopped else "none was running")


@emulator.command(cls=Command, examples=["tai-state emulator status"])
@pass_session
def status(session: Session) -> int:
    """Say where the emulator runs; exit code 1 when none does."""
    from tai_state.testing.firestore_emulator import status as running_emulator  # noqa: PLC0415

    record = running_emulator()
    if record is not None:
        _write(record, session)
        return SOUND
    if session.as_json:
        put(json_line({"running": False}))
    else:
        note("no emulator of this folder runs; start one: tai-state emulator start")
    return LEFT


def _write(record: "EmulatorRecord", session: Session) -> None:
    if session.as_json:
        put(json_line({"running": True, **asdict(record)}))
        return
    put(f"FIRESTORE_EMULATOR_HOST={printable(record.host)}")
    note(f"process {record.pid} since {record.started_at}, for {record.folder}, log {record.log_path}")
