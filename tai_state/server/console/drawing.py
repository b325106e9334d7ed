"""A machine's diagram, laid out here: where its statuses stand, and how its arrows run. Pure.

Statuses stand below each other, in the order in which the machine names them. An arrow to the next one runs straight;
any other one bows out, to the right on its way down and to the left on its way back, the further the more statuses it
passes by: so none runs through a status. Several actions that lead the same way share an arrow.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any, NamedTuple

from tai_state import Machine

CHARACTER = 8
"""How wide a character is drawn at most, in the drawing's units; the font has one width."""

ROW, BOX, MARGIN, LANE, LINE = 62, 34, 12, 18, 16
LABEL_MAX = 24
_PLACES = (0.5, 0.4, 0.6, 0.3, 0.7, 0.22, 0.78)
"""Where on its arrow a label may stand, the best place first."""

Point = tuple[float, float]
Curve = tuple[Point, Point, Point, Point]
"""A cubic curve: its ends, and between them what it is drawn to."""


class Box(NamedTuple):
    """A status: its place, by the left upper corner, and its size."""

    status: str
    x: float
    y: float
    width: float
    is_current: bool
    is_terminal: bool

    @property
    def text(self) -> str:
        """What stands in it."""
        return _cut(self.status)

    @property
    def height(self) -> int:
        """As that of all."""
        return BOX


class Arrow(NamedTuple):
    """What leads from one status to another: its path, and its actions as a label, which is *x*, *y* in the middle."""

    path: str
    label: str
    x: float
    y: float
    is_open: bool


@dataclass(frozen=True, slots=True)
class Drawing:
    """A diagram.

    Attributes:
        left: Where it begins; its boxes stand around 0.
        told: All of it in words, for those who do not see it.
    """

    name: str
    left: float
    width: float
    height: float
    boxes: list[Box]
    arrows: list[Arrow]
    told: list[str]


def drawn(machine: Machine[Any], current: str) -> Drawing:
    """Return the diagram of *machine*, the status *current* marked, and the arrows that leave it."""
    boxes: dict[str, Box] = {}
    for number, status in enumerate(machine.statuses):
        width = max(64, CHARACTER * len(_cut(status)) + 24)
        is_terminal = status in machine.terminal
        boxes[status] = Box(status, -width / 2, MARGIN + number * ROW, width, status == current, is_terminal)
    moves = _moves(machine)
    arrows = _arrows(moves, boxes, current)
    half = max(box.width for box in boxes.values()) / 2
    ends = [(one.x - CHARACTER * len(one.label) / 2, one.x + CHARACTER * len(one.label) / 2) for one in arrows]
    left = min([-half, *(begin for begin, _ in ends)]) - MARGIN
    right = max([half, *(stop for _, stop in ends)]) + MARGIN
    told = [f"{', '.join(actions)}: from {source} to {target}" for (source, target), actions in moves.items()]
    height = 2 * MARGIN + (len(boxes) - 1) * ROW + BOX
    return Drawing(machine.name, left, right - left, height, list(boxes.values()), arrows, told)


def _moves(machine: Machine[Any]) -> dict[tuple[str, str], list[str]]:
    """Return the actions that lead from one status to another."""
    moves: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for status in machine.statuses:
        for action in machine.allowed(status):
            for target in machine.targets(status, action):
                moves[status, target].append(action)
    return dict(moves)


def _arrows(moves: dict[tuple[str, str], list[str]], boxes: dict[str, Box], current: str) -> list[Arrow]:
    order = {status: number for number, status in enumerate(boxes)}
    taken: list[Box] = []
    found: list[Arrow] = []
    # What passes by fewer statuses has fewer places for its label.
    for (source, target), actions in sorted(moves.items(), key=lambda one: abs(order[one[0][0]] - order[one[0][1]])):
        curve = _curve(boxes[source], boxes[target], order[target] - order[source])
        label = _cut(" / ".join(actions))
        x, y = _place(curve, CHARACTER * len(label), taken)
        first, second, third, last = (f"{a:g},{b:g}" for a, b in curve)
        found.append(Arrow(f"M{first} C{second} {third} {last}", label, x, y, is_open=source == current))
    # Those that are open now are drawn last, above the others.
    return sorted(found, key=lambda one: one.is_open)


def _curve(start: Box, end: Box, passed: int) -> Curve:
    """Return how an arrow runs; *passed*: how far down its end stands below its start."""
    if passed == 1:
        top, bottom = start.y + BOX, end.y - 3
        return (0, top), (0, top + 8), (0, bottom - 8), (0, bottom)
    side = 1 if passed >= 0 else -1
    begin, stop = side * start.width / 2, side * (end.width / 2 + 3)
    reach = side * (max(start.width, end.width) / 2 + 18 + LANE * max(1, abs(passed)))
    if passed == 0:
        return (begin, start.y + 8), (reach, start.y), (reach, start.y + BOX), (stop, start.y + BOX - 8)
    first, last = start.y + BOX / 2 + side * 6, end.y + BOX / 2 - side * 6
    return (begin, first), (reach, first), (reach, last), (stop, last)


def _place(curve: Curve, width: float, taken: list[Box]) -> Point:
    """Return where a label stands on its arrow: at the first place where it covers no other one."""
    labels = []
    for share in _PLACES:
        x, y = _point(curve, share)
        labels.append(Box("", x - width / 2, y - LINE / 2, width, is_current=False, is_terminal=False))
    free = [one for one in labels if not any(_meet(one, other) for other in taken)]
    label = (free or labels)[0]
    taken.append(label)
    return label.x + width / 2, label.y + LINE / 2


def _point(curve: Curve, share: float) -> Point:
    rest = 1 - share
    weights = (rest**3, 3 * rest**2 * share, 3 * rest * share**2, share**3)
    return (
        sum(weight * x for weight, (x, _) in zip(weights, curve, strict=True)),
        sum(weight * y for weight, (_, y) in zip(weights, curve, strict=True)),
    )


def _meet(one: Box, other: Box) -> bool:
    is_beside = one.x + one.width <= other.x or other.x + other.width <= one.x
    return not is_beside and abs(one.y - other.y) < LINE


def _cut(text: str) -> str:
    return text if len(text) <= LABEL_MAX else text[: LABEL_MAX - 1] + "…"
