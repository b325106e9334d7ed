"""Machines of transitions, as people write them."""

from typing import Any

from transitions import Machine
from transitions.extensions import AsyncMachine, HierarchicalMachine


class Matter:
    """Melts when it is warm enough; says so behind the commit."""

    state: Any
    melt: Any
    boil: Any
    cool: Any
    trigger: Any

    def __init__(self, place: str = "lab") -> None:
        self.heat = 0
        self.log: list[str] = []
        self._place = place
        self.said: Any = None

    def is_warm(self, degrees):
        return self.heat + degrees > 10

    def warm(self, degrees):
        self.heat += degrees

    def note(self, degrees):
        self.log.append(f"melts at {self.heat}")


HEARD: list[str] = []


class Loud(Matter):
    def on_enter_liquid(self, degrees):
        HEARD.append(f"liquid at {self.heat}")

    def hiss(self, **_):
        HEARD.append("hiss")

    def done(self, *_, **__):
        HEARD.append("done")


def matter_machine(**changed: Any) -> Machine:
    """Return a machine without models."""
    return Machine(
        model=None,
        states=["solid", "liquid", "gas"],
        initial="solid",
        auto_transitions=False,
        transitions=[
            {
                "trigger": "melt",
                "source": "solid",
                "dest": "liquid",
                "conditions": "is_warm",
                "before": ["warm", "note"],
                "after": "hiss",
            },
            {"trigger": "boil", "source": "liquid", "dest": "gas"},
            {"trigger": "cool", "source": "*", "dest": "solid"},
        ],
        **{"finalize_event": "done", **changed},
    )


class Player:
    def __init__(self) -> None:
        self.track = 1

    def next_track(self):
        self.track += 1


def player_machine() -> HierarchicalMachine:
    """Return one with nested and parallel states."""
    return HierarchicalMachine(
        model=None,
        states=[
            "off",
            {
                "name": "on",
                "parallel": [
                    {
                        "name": "sound",
                        "children": ["playing", "paused"],
                        "initial": "paused",
                        "transitions": [["play", "paused", "playing"], ["pause", "playing", "paused"]],
                    },
                    {
                        "name": "lamp",
                        "children": ["dim", "bright"],
                        "initial": "dim",
                        "transitions": [["shine", "dim", "bright"]],
                    },
                ],
            },
        ],
        initial="off",
        transitions=[
            ["switch", "off", "on"],
            ["switch", "on", "off"],
            {"trigger": "skip", "source": "on", "dest": None, "before": "next_track"},
        ],
    )


def waiting_machine() -> Any:
    """Return one that waits in the middle of a move."""
    return AsyncMachine(None, ["a"], initial="a")


class Slotted:
    __slots__ = ("a",)
