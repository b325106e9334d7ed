"""``demo``: what a user sees of it, and the store that it runs on."""

import asyncio
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tai_state import ConfigurationError, SystemClock, connect
from tai_state.cli.commands.demo.steps import commands_to_try
from tai_state.cli.program.command import Command
from tai_state.cli.program.failures import LEFT, SOUND, InterruptedWorkError
from tai_state.cli.program.output import note, put
from tai_state.cli.program.session import Session, pass_session
from tai_state.cli.program.texts import json_line
from tai_state.urls import StoreUrl, masked, parse_url

if TYPE_CHECKING:
    from tai_state.cli.commands.demo.timeline import Show

DEFAULT_STORE = "sqlite:///tai_state_demo.db"
_NAMES = ("alder", "birch", "cedar", "elder", "hazel", "maple")
_LANES = 3
MOVES = 30
_TIMEOUT_SECONDS = 60.0
_EMULATOR_HOST = "FIRESTORE_EMULATOR_HOST"


@click.command(cls=Command, examples=["tai-state demo"])
@click.option("--seed", type=int, help="Makes the moments of the kills repeatable, as far as processes allow.")
@click.option("--timeline", is_flag=True, help="Show each governor's way, and who drove it when.")
@pass_session
def demo(session: Session, seed: int | None, *, timeline: bool) -> int:
    """Run, kill -9, take over, verify: the main job end to end.

    Worker processes drive governors through a machine; some are killed with SIGKILL at work, and others take over
    from what the store holds. At the end every move that was acknowledged must be there exactly once.

    Without --store it uses the file tai_state_demo.db in the working directory, whatever $TAI_STATE_STORE says.
    Each run has governors of its own, so it may run again and again. --store firestore://demo starts
    the emulator for its duration, unless $FIRESTORE_EMULATOR_HOST names one.
    """
    url = parse_url(session.url or DEFAULT_STORE)
    if url.scheme == "memory":
        message = "memory:// cannot be shared by the demo's processes; use sqlite://, redis:// or firestore://"
        raise ConfigurationError(message)
    try:
        with _reachable(url) as store:
            show = _run(store, secrets.randbits(32) if seed is None else seed)
    except KeyboardInterrupt as error:
        message = "interrupted; the demo's workers were ended"
        raise InterruptedWorkError(message) from error
    stays = url.scheme in {"sqlite", "redis"} or _named_emulator() != ""
    next_steps = commands_to_try(masked(store), min(show.histories), stays=stays)
    if session.as_json:
        put(json_line({**show.record(), "next": next_steps}))
    else:
        show.write(timeline=timeline, next_steps=next_steps)
    return SOUND if show.verdict.is_sound else LEFT


def _run(store_url: str, seed: int) -> "Show":
    # Imported here: `--help` need not wait for them.
    from tai_state.cli.commands.demo.audit import Audit  # noqa: PLC0415
    from tai_state.cli.commands.demo.crew import Crew  # noqa: PLC0415
    from tai_state.cli.commands.demo.plan import Job  # noqa: PLC0415
    from tai_state.cli.commands.demo.timeline import Show  # noqa: PLC0415

    clock = SystemClock()
    began, started = clock.now(), clock.monotonic()
    run = secrets.token_hex(3)
    governors = [f"demo-{run}-{name}" for name in _NAMES]
    crew = Crew(Job(store_url, "", (), MOVES), clock=clock, seed=seed, say=note)
    # Every lane loses a worker, and the first one its replacement, too.
    lanes = [(tuple(governors[lane::_LANES]), 2 if lane == 0 else 1) for lane in range(_LANES)]
    # The store is made before anybody is killed over it.
    with connect(store_url) as store:
        store.exists(governors[0], "none")
        asyncio.run(crew.run(lanes, timeout=_TIMEOUT_SECONDS))
        audit = Audit(store, crew.shifts)
        verdict = audit.judge(governors, MOVES)
    return Show(masked(store_url), began, clock.monotonic() - started, crew.shifts, audit.histories, verdict)


def _named_emulator() -> str:
    return os.environ.get(_EMULATOR_HOST, "")


@contextmanager
def _reachable(url: StoreUrl) -> Iterator[str]:
    """Yield the store's URL while it can be reached; a Firestore demo has an emulator, never a real database."""
    if url.scheme == "sqlite":
        note(f"the store is {Path(url.path).absolute()}")
        yield url.text
        return
    if url.scheme == "redis":
        note(f"the store is {url.text}")
        yield str(url.address)
        return
    from tai_state.testing.firestore_emulator import emulator  # noqa: PLC0415 - SQLite needs no launcher

    # The emulator takes any project, but there must be one.
    named = url.project is not None or os.environ.get("GOOGLE_CLOUD_PROJECT")
    text = url.text if named else url.text.replace("firestore://", "firestore://demo", 1)
    given = _named_emulator()
    if given:
        note(f"the store is {text} in the emulator at {given}")
        yield text
        return
    note("starting the Firestore emulator for the time of the demo")
    with emulator() as endpoint:
        note(f"the store is {text} in the emulator at {endpoint.host}; it ends with the demo, and with it the data")
        yield text
