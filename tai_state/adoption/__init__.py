"""What is kept elsewhere becomes states: documents of a collection, rows of a query, lines of a file.

``adopt(store, source, shape)``: each row becomes a state once, by an event ``adopt`` that names where it came from, and
behind that each row is held against its state. ``Shape`` says which field is the status, which the id, whose the states
are, and where their earlier moves are.

1. A page of rows is read, and each made a candidate; what cannot become one is refused, by field. (``shape``)
2. Those that have no state are written, many in one commit, each with its earlier moves; a deleted state counts as one.
   Where the store does not take one of them, it is found by halves, and the others are written. (``writing``)
3. How far it came is kept in the store itself, behind the commit: who is killed goes on behind his last page, and looks
   at the rows of the one he was at again, which are there or not. (``marks``)
4. When all were read, all are read again: a row is verified where its state was adopted from its source with the same
   status and data, whatever it has done since; told as changed where the source says something else now; as taken where
   the state came from elsewhere; as missing where there is none. Nothing is written then. (``judging``)

Only public names of the package are used, and a source is only read. docs/adopting.md shows how to go over.
"""

from typing import TYPE_CHECKING

from tai_state.late import late_names

if TYPE_CHECKING:
    from tai_state.adoption.adopting import adopt
    from tai_state.adoption.collection import CollectionSource
    from tai_state.adoption.files import CsvSource, JsonLinesSource
    from tai_state.adoption.report import AdoptionFinding, AdoptionReport
    from tai_state.adoption.rows import Row, Source
    from tai_state.adoption.shape import EarlierMoves, Shape
    from tai_state.adoption.sql import SqlSource

HOMES: dict[str, tuple[str, ...]] = {
    "tai_state.adoption.adopting": ("adopt",),
    "tai_state.adoption.collection": ("CollectionSource",),
    "tai_state.adoption.files": ("CsvSource", "JsonLinesSource"),
    "tai_state.adoption.report": ("AdoptionFinding", "AdoptionReport"),
    "tai_state.adoption.rows": ("Row", "Source"),
    "tai_state.adoption.shape": ("EarlierMoves", "Shape"),
    "tai_state.adoption.sql": ("SqlSource",),
}
"""The names that each module defines."""

__all__ = [
    "AdoptionFinding",
    "AdoptionReport",
    "CollectionSource",
    "CsvSource",
    "EarlierMoves",
    "JsonLinesSource",
    "Row",
    "Shape",
    "Source",
    "SqlSource",
    "adopt",
]

if not TYPE_CHECKING:  # A type checker would take it for a promise of any name.
    __getattr__ = late_names(__name__, HOMES)

    def __dir__() -> list[str]:
        """List what has not been imported yet, too."""
        return sorted({*globals(), *__all__})
