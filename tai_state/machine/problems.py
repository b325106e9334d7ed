"""What can be wrong with a definition: sentences for people, kinds and places for programs."""

from typing import Literal, Self, TypeAlias

ProblemKind: TypeAlias = Literal[
    "invalid_name",
    "invalid_version",
    "invalid_data_type",
    "invalid_fingerprint",
    "invalid_initial",
    "invalid_transition",
    "invalid_action",
    "invalid_source",
    "invalid_target",
    "invalid_function",
    "invalid_terminal",
    "invalid_reaction",
    "invalid_timeout",
    "unknown_initial",
    "unknown_terminal",
    "unknown_reaction",
    "unknown_timeout",
    "unknown_function",
    "duplicate",
    "unreachable",
    "dead_end",
    "dead_reaction",
    "dead_timeout",
    "terminal_left",
    "json",
    "shape",
]
"""The stable names of the problems; ``json`` is of files only, ``shape`` of them and movers."""


class MachineProblem(str):
    """One problem of a definition: a sentence that is also data.

    Attributes:
        kind: What sort of problem it is; stable across releases.
        place: Where it is, such as ``transitions[3].target``; "" where it is about the whole.
    """

    __slots__ = ("kind", "place")

    kind: ProblemKind
    place: str

    def __new__(cls, kind: ProblemKind, message: str, place: str = "") -> Self:
        """Make the sentence *message*, of *kind*, at *place*."""
        problem = super().__new__(cls, message)
        problem.kind = kind
        problem.place = place
        return problem

    def __reduce__(self) -> tuple[type[Self], tuple[ProblemKind, str, str]]:
        """Pickle and copy with the kind and the place."""
        return type(self), (self.kind, str.__str__(self), self.place)

    def __repr__(self) -> str:
        """Show the kind before the sentence."""
        return f"<{self.kind}: {self}>"


def entry_place(part: str, key: object) -> str:
    """Return the place of the entry *key* of a map, as the check of a file names it, so that nothing is said twice."""
    plain = isinstance(key, str) and key.isidentifier()
    return f"{part}.{key}" if plain else f"{part}[{key!r}]"
