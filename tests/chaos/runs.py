"""Whole runs: a crew on a place, what breaks it, and the evidence that is left."""

import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tai_state import connect
from tai_state.testing.linearizability import Move, Moved, Operation
from tai_state.testing.recorder import Recorder
from tests.chaos import judge
from tests.chaos.clients import Client, Durable, Naive
from tests.chaos.crew import Crew, Figures, Life, Member
from tests.chaos.faults import LOST_REPLIES, Fault, Plan
from tests.chaos.judge import Evidence
from tests.chaos.proxy import Client as Proxied
from tests.chaos.proxy import Proxy
from tests.chaos.steps import KEYS, LOCKED, OPENING
from tests.chaos.worker import Work
from tests.redis_servers import RedisServer

FAULTS: Mapping[Fault, float] = {
    Fault.CUT_BEFORE: 0.01,
    Fault.CUT_BETWEEN: 0.01,
    Fault.CUT_AFTER: 0.05,
    Fault.HOLE_BEFORE: 0.004,
    Fault.HOLE_AFTER: 0.004,
    Fault.DELAY_REQUEST: 0.008,
    Fault.DELAY_REPLY: 0.008,
    Fault.ZOMBIE: 0.015,
    Fault.KILL_BEFORE: 0.005,
    Fault.KILL_AFTER: 0.015,
    Fault.FREEZE: 0.008,
}


@dataclass(frozen=True, slots=True)
class Run:
    """A run that is over: what clients and store say, what was done to them, and what is wrong, by what it is."""

    evidence: Evidence
    figures: Figures
    faults: Counter[Fault]
    verdict: Mapping[str, list[str]]

    @property
    def problems(self) -> list[str]:
        """Everything that is wrong."""
        return [problem for found in self.verdict.values() for problem in found]

    @property
    def lost_replies(self) -> int:
        """How many Commits were certainly applied and never acknowledged, to a client that lived on."""
        return sum(self.faults[fault] for fault in LOST_REPLIES)

    def tell(self, name: str) -> None:
        """Print a line of figures."""
        found = ", ".join(f"{len(problems)} {kind}" for kind, problems in self.verdict.items())
        faults = {str(fault): number for fault, number in sorted(self.faults.items())}
        sys.stderr.write(
            f"{name}: {self.evidence.acknowledged} moves acknowledged: {found}; {self.lost_replies} lost replies, "
            f"{self.figures.kills} kills, {self.figures.freezes} random freezes, faults {faults}, "
            f"notes {dict(sorted(self.evidence.notes.items()))}, {len(self.evidence.operations)} operations of "
            f"{len(self.evidence.log)} keys in {self.figures.seconds:.0f} s\n"
        )


def on_emulator(
    host: str,
    project: str,
    folder: Path,
    *,
    seed: str,
    clients: int,
    share: int,
    faults: Mapping[Fault, float] = FAULTS,
    naive: bool = False,
    seconds_max: float,
) -> Run:
    """Let *clients* make their *share* of moves each on the emulator, through a proxy that breaks their Commits.

    Every second one drives the async colour.
    """
    url = f"firestore://{project}"
    with ExitStack() as resources:
        client = resources.enter_context(_client(url, naive=naive))
        opening = _open(client)
        proxy = resources.enter_context(Proxy(host))
        members: list[Member] = []
        for number in range(clients):
            name = f"client-{number}"
            # Proxy and worker need each other: the victim is asked for when a worker connects.
            proxied = Proxied(Plan.random(f"{seed}/{name}", faults), partial(_life, members, number))
            told = Work(
                url,
                folder,
                seed,
                name,
                share,
                host=proxy.listen(proxied),
                is_async=number % 2 == 1,
                naive=naive,
                seconds_max=int(seconds_max),
            )
            members.append(Member(name, told))
        figures = Crew(members, seed=seed).run(seconds_max=seconds_max)
        return _judged(client, opening, members, figures, proxy)


def _life(members: Sequence[Member], number: int) -> Life:
    return members[number].life


def on_sqlite(
    folder: Path,
    *,
    seed: str,
    clients: int,
    share: int,
    dooms: Mapping[str, float],
    kills_per_second: float,
    freezes_per_second: float,
    keys: bool = True,
    seconds_max: float,
) -> Run:
    """Let *clients* make their *share* of moves each in one SQLite file, while they are killed and frozen.

    Every second one drives the async colour.
    """
    return _on(
        f"sqlite:///{folder / 'chaos.db'}",
        folder,
        seed=seed,
        clients=clients,
        share=share,
        dooms=dooms,
        kills_per_second=kills_per_second,
        freezes_per_second=freezes_per_second,
        keys=keys,
        seconds_max=seconds_max,
    )


def on_redis(
    folder: Path,
    *,
    seed: str,
    clients: int,
    share: int,
    dooms: Mapping[str, float],
    kills_per_second: float,
    freezes_per_second: float,
    seconds_between_deaths: float,
    seconds_max: float,
) -> tuple[Run, int]:
    """Let *clients* make their *share* of moves each in a Redis that flushes always, while they and it are killed.

    Returns:
        The run, and how often the server was killed and started again.
    """
    with _mortal(folder, seconds_between_deaths) as (server, deaths):
        run = _on(
            server.url("chaos"),
            folder,
            seed=seed,
            clients=clients,
            share=share,
            dooms=dooms,
            kills_per_second=kills_per_second,
            freezes_per_second=freezes_per_second,
            seconds_max=seconds_max,
        )
    return run, len(deaths)


@contextmanager
def _mortal(folder: Path, seconds_between_deaths: float) -> Iterator[tuple[RedisServer, list[float]]]:
    """Kill a server and start it again, again and again; yield it, and when it died."""
    (folder / "server").mkdir()
    server = RedisServer(folder / "server", "--appendonly", "yes", "--appendfsync", "always")
    is_over = threading.Event()
    deaths: list[float] = []

    def kill() -> None:
        while not is_over.wait(seconds_between_deaths):
            server.kill()
            deaths.append(time.monotonic())
            server.start()

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        yield server, deaths
    finally:
        is_over.set()
        killer.join()
        server.kill()


def _on(
    url: str,
    folder: Path,
    *,
    seed: str,
    clients: int,
    share: int,
    dooms: Mapping[str, float],
    kills_per_second: float,
    freezes_per_second: float,
    seconds_max: float,
    keys: bool = True,
) -> Run:
    with _client(url) as client:
        opening = _open(client)
        members = [
            Member(
                f"client-{number}",
                Work(
                    url,
                    folder,
                    seed,
                    f"client-{number}",
                    share,
                    is_async=number % 2 == 1,
                    keys=keys,
                    dooms=dooms,
                    seconds_max=int(seconds_max),
                ),
            )
            for number in range(clients)
        ]
        crew = Crew(members, seed=seed, kills_per_second=kills_per_second, freezes_per_second=freezes_per_second)
        figures = crew.run(seconds_max=seconds_max)
        return _judged(client, opening, members, figures)


@contextmanager
def _client(url: str, *, naive: bool = False) -> Iterator[Client]:
    """Yield a client whose calls nothing breaks."""
    if naive:
        yield Naive(url.rpartition("/")[2])
        return
    with connect(url, actor="judge") as store:
        yield Durable(store)


def _open(client: Client) -> list[Operation]:
    recorder = Recorder("judge")
    calls = [recorder.begin(key, Move(OPENING)) for key in (*KEYS, LOCKED)]
    client.open()
    for call in calls:
        recorder.end(call, Moved(1))
    return recorder.operations()


def _judged(
    client: Client, opening: list[Operation], members: Sequence[Member], figures: Figures, proxy: Proxy | None = None
) -> Run:
    log = {key: list(client.log(key)) for key in (*KEYS, LOCKED)}
    evidence = judge.gather(members[0].told.folder, opening, log)
    unsound = client.check() if isinstance(client, Durable) else []
    asked = sum(isinstance(one.call, Move) for one in evidence.operations) - len(opening)
    if asked != sum(member.told.share for member in members):
        unsound.append(f"only {asked} moves were asked for")
    if proxy is not None:
        unsound += [f"the proxy failed: {failure!r}" for failure in proxy.failures]
    verdict = judge.verdict(evidence) | {"unsound": unsound}
    return Run(evidence, figures, proxy.counts if proxy is not None else Counter(), verdict)
