"""What a person sees of the demo: each governor's way, who drove it, who was killed, and the sum of it."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import groupby

from rich.table import Table
from rich.text import Text

from tai_state import Event
from tai_state.cli.commands.demo.audit import Verdict
from tai_state.cli.commands.demo.crew import Shift
from tai_state.cli.program.output import put
from tai_state.cli.program.texts import rich_console

_STYLES = {
    "boot": "cyan",
    "stable": "green",
    "warning": "yellow",
    "intervening": "magenta",
    "refusing": "red",
    "degraded": "bright_black",
}


@dataclass(frozen=True, slots=True)
class Show:
    """A demo that has ended, ready to be shown."""

    store: str
    began: datetime
    seconds: float
    shifts: list[Shift]
    histories: dict[str, list[Event]]
    verdict: Verdict

    @property
    def kills(self) -> int:
        """How many workers were killed."""
        return sum(shift.killed_at is not None for shift in self.shifts)

    def record(self) -> dict[str, object]:
        """Return the summary as a JSON object."""
        return {
            "store": self.store,
            "governors": sorted(self.histories),
            "sound": self.verdict.is_sound,
            **asdict(self.verdict),
            "kills": self.kills,
            "workers": len(self.shifts),
            "seconds": round(self.seconds, 3),
        }

    def write(self, *, timeline: bool, next_steps: Sequence[str]) -> None:
        """Write to stdout the *timeline* where it is wanted, the summary and the *next_steps*."""
        console = rich_console(sys.stdout)
        with console.capture() as captured:
            if timeline:
                for governor, events in self.histories.items():
                    console.print(Text(governor, style="bold"))
                    console.print(self._timeline(governor, events))
                    console.print()
            console.print(self._summary())
            for finding in self.verdict.findings:
                console.print(Text(f"FINDING: {finding}", style="bold red"))
        put("\n".join(line.rstrip() for line in captured.get().splitlines()))
        put("\n".join(["", "To look at what it left, type one of", *(f"    {step}" for step in next_steps)]))

    def _timeline(self, governor: str, events: list[Event]) -> Table:
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column(justify="right", no_wrap=True)
        table.add_column(no_wrap=True)
        table.add_column(ratio=1)
        for when, worker, what in self._rows(governor, events):
            table.add_row(Text(f"{self._seconds(when):.2f} s"), Text(worker), what)
        return table

    def _rows(self, governor: str, events: list[Event]) -> Iterator[tuple[datetime, str, Text]]:
        shifts = {shift.job.worker: shift for shift in self.shifts}
        for worker, run in groupby(events, key=lambda event: event.metadata.changed_by):
            moves = list(run)
            shift = shifts[worker]
            yield moves[0].timestamp, worker, self._way(governor, shift, moves)
            if shift.killed_at is not None:
                told = sum(ack.governor == governor and not ack.again for ack in shift.acks)
                text = f"killed -9: {len(moves)} moves were made, {told} of them acknowledged"
                yield shift.killed_at, worker, Text(text, style="bold red")

    def _way(self, governor: str, shift: Shift, moves: list[Event]) -> Text:
        text = Text()
        if moves[0].version > 1:
            text.append(f"takes over at version {moves[0].version - 1}", style="bold")
            again = any(ack.again and ack.governor == governor for ack in shift.acks)
            text.append(" (asks for that move again: it is there once)\n" if again else "\n")
        for index, event in enumerate(moves):
            text.append(", " if index else "")
            text.append(event.to_status, style=_STYLES.get(event.to_status, ""))
            text.append(f" {self._seconds(event.timestamp):.2f}", style="dim")
        return text

    def _seconds(self, when: datetime) -> float:
        return (when - self.began).total_seconds()

    def _summary(self) -> Table:
        verdict = self.verdict
        moves = f"{verdict.planned} planned, {verdict.acknowledged} acknowledged, {verdict.found} found in the store"
        rows = {
            "moves": moves,
            "": f"{verdict.lost} lost, {verdict.doubled} doubled, {verdict.again} asked for again",
            "workers": f"{len(self.shifts)}, {self.kills} of them killed with SIGKILL",
            "histories": f"{len(self.histories)} checked, {len(verdict.findings)} findings",
        }
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for name, value in rows.items():
            table.add_row(Text(name), Text(value))
        style, word = ("bold green", "SOUND") if verdict.is_sound else ("bold red", "NOT SOUND")
        table.add_row(Text("result", style="bold"), Text(word, style=style) + Text(f" after {self.seconds:.1f} s"))
        return table
