"""``config``: the settings that are in force, and where each comes from; no store is opened.

``check`` ends with 0 where the file and the environment say settings and nothing else, and with 2 where they do not,
as every command would. ``show`` lists what is set, and with ``--all`` the defaults, too. With ``--json`` each key is an
object: key, value, origin.
"""

from typing import TYPE_CHECKING, Any

import click

from tai_state.cli.program.command import Command, Group
from tai_state.cli.program.output import note, put, write_list
from tai_state.cli.program.session import Session, pass_session
from tai_state.cli.program.tables import Column
from tai_state.cli.program.texts import json_line
from tai_state.counts import counted

if TYPE_CHECKING:
    from tai_state.settings.effective import Effective


@click.group(cls=Group, examples=["tai-state config check", "tai-state config show --all"])
def config() -> None:
    """Check the settings, and show where each comes from."""


@config.command(cls=Command, examples=["tai-state config check"])
@pass_session
def check(session: Session) -> None:
    """Say whether the file of settings and the environment hold settings and nothing else."""
    said = session.settings.origins
    if session.as_json:
        put(json_line({"sound": True, "settings": len(said), "origins": sorted(set(said.values()))}))
        return
    if not said:
        put("nothing is set: every setting has its default")
        return
    put(f"sound: {counted(len(said), 'setting')} from {', '.join(sorted(set(said.values())))}")


@config.command(cls=Command, examples=["tai-state config show --all"])
@click.option("--all", "is_all", is_flag=True, help="The defaults, too: every setting there is.")
@pass_session
def show(session: Session, *, is_all: bool) -> None:
    """List the settings in force, and where each comes from."""
    from tai_state.settings.effective import DEFAULT, effective  # noqa: PLC0415 - `--help` waits for nothing

    found = (one for one in effective(session.settings) if is_all or one.origin != DEFAULT)
    columns: list[Column[Effective]] = [
        Column("setting", lambda one: one.key, is_whole=True),
        Column("value", lambda one: _text(one.value)),
        Column("from", lambda one: one.origin),
    ]
    if not write_list(found, columns, as_json=session.as_json, record=lambda one: one._asdict()):
        note("nothing is set: every setting has its default; --all shows them")


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(value) or "-" if isinstance(value, list) else str(value)
