"""The Mermaid diagram of a machine.

The rules follow the lexer of Mermaid's state diagrams (10 to 12), which reads words such as
``click`` or ``direction TB`` as commands wherever they stand: names that are not plain
get an id of their own, and whatever could mean something in a label is an entity.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

# Words that Mermaid, its layout or JavaScript itself would not take as the id of a state.
_RESERVED = frozenset(
    (  # noqa: SIM905 - a list of words is best read as one
        "accdescr acctitle as choice class classdef click constructor current default end fork "
        "hasownproperty hide href join note prototype root scale state statediagram style title "
        "tostring valueof"
    ).split()
)
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)*")
_OURS = re.compile(r"s[0-9]+")
# "direction TB" is a command anywhere in a line, and the blank in it may be a line's end.
_DIRECTION = re.compile(r"direction(?![A-Za-z0-9])", re.IGNORECASE)
# Mermaid writes entities as "ﬂ°...¶ß" while it works, and turns them back wherever they stand.
_MARKS = "ﬂß"
_MARK_PAIRS = re.compile("(ﬂ)(?=°)|(¶)(?=ß)")


_MARK = "PROBLEM "


class Edge(NamedTuple):
    """An arrow: *action* leads from *source* to *target*, if *guard* (a name) holds; marked where it has a problem.

    With *after*, a text such as "30 s", that is how long after the source was entered the action is due.
    """

    source: str
    target: str
    action: str
    guard: str | None
    is_marked: bool = False
    after: str | None = None


def render(
    statuses: Sequence[str],
    initial: str | None,
    edges: Sequence[Edge],
    terminal: Sequence[str],
    current: str | None,
    *,
    marked: Collection[str] = (),
) -> str:
    """Return the ``stateDiagram-v2`` text, one statement a line; the *marked* statuses have problems."""
    ids = {status: _id_of(status, number) for number, status in enumerate(statuses, start=1)}
    lines = [*_statements(ids, initial, edges, terminal, current), *_marks(ids, marked)]
    return "\n    ".join(["stateDiagram-v2", *lines]) + "\n"


def _marks(ids: dict[str, str], marked: Collection[str]) -> Iterator[str]:
    if marked:
        yield "classDef problem fill:#ffcdd2,stroke:#b71c1c,stroke-width:3px,color:#000000"
    for status in marked:
        yield f"class {ids[status]} problem"


def _statements(
    ids: dict[str, str], initial: str | None, edges: Sequence[Edge], terminal: Sequence[str], current: str | None
) -> Iterator[str]:
    for status, name in ids.items():
        if name != status:
            yield f'state "{label_of(status)}" as {name}'
    if initial is not None:
        yield f"[*] --> {ids[initial]}"
    for (source, target, _), labels in _arrows(edges).items():
        yield f"{ids[source]} --> {ids[target]} : {', '.join(labels)}"
    for status in terminal:
        yield f"{ids[status]} --> [*]"
    if current is not None:
        yield "classDef current fill:#ffd54f,stroke:#e65100,stroke-width:3px,color:#000000"
        yield f"class {ids[current]} current"


def _arrows(edges: Sequence[Edge]) -> dict[tuple[str, str, int], list[str]]:
    """Return the labels of each arrow; a number keeps arrows between the same statuses apart."""
    arrows: dict[tuple[str, str, int], list[str]] = {}
    for number, edge in enumerate(edges):
        # Of several loops on one state Mermaid 11 draws only the last: they share one arrow.
        key = edge.source, edge.target, 0 if edge.source == edge.target else number
        guard = "" if edge.guard is None else f" [{label_of(edge.guard)}]"
        after = "" if edge.after is None else f" after {label_of(edge.after)}"
        arrows.setdefault(key, []).append(f"{_MARK if edge.is_marked else ''}{label_of(edge.action)}{guard}{after}")
    return arrows


def _id_of(status: str, number: int) -> str:
    folded = status.lower()
    free = folded not in _RESERVED and not folded.startswith("root_") and not folded.endswith("direction")
    plain = free and _PLAIN.fullmatch(status) and not _OURS.fullmatch(status)
    return status if plain else f"s{number}"


def label_of(text: str) -> str:
    r"""Return *text* so that Mermaid shows it as it is, and as nothing else.

    Letters, digits and single ``_``, ``-`` and blanks between them stay; a character that
    would not be seen is shown as its escape, such as ``\n``; all else is an entity.
    """
    visible = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    visible = _MARK_PAIRS.sub("\\g<0>\u200b", visible)  # Apart, by a blank of no width.
    directions = {match.end() - 1 for match in _DIRECTION.finditer(visible)}
    return "".join(
        char if index not in directions and _is_harmless(visible, index) else f"#{ord(char)};"
        for index, char in enumerate(visible)
    )


def _is_harmless(text: str, index: int) -> bool:
    char = text[index]
    if char not in "_- ":
        return char.isalnum() and char not in _MARKS
    around = text[index - 1 : index] + text[index + 1 : index + 2]
    if len(around) < 2:  # noqa: PLR2004 - at an edge, where blanks vanish and underscores stress
        return False
    return " " not in around if char == " " else around.isalnum()
