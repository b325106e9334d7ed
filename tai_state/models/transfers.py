"""What carrying a store to a file, and from it, did."""

from pydantic import Field

from tai_state.models.reports import ConsistencyReport, Problem
from tai_state.models.states import Model


class ExportReport(Model, frozen=True):
    """What an export wrote.

    Attributes:
        governor_id: Whose documents they are; None: those of the whole store.
        documents: How many lines of the file are documents, those of states and events included.
        left_out: What could not be carried: somebody else's documents among ours, and what cannot be read.
        omitted: How many more were left out than are told.
    """

    file: str
    governor_id: str | None
    governors: int
    states: int
    events: int
    documents: int
    left_out: list[Problem] = Field(default_factory=list)
    omitted: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether nothing was left out."""
        return not self.left_out


class ImportReport(Model, frozen=True):
    """What an import did.

    Attributes:
        governor_id: Whose documents the file holds; None: those of a whole store.
        store_id: That of the store that they come from.
        documents: How many there are in the file: those ``written`` and those ``present`` already.
        reports: Behind the import every governor of the file is checked as ``verify`` does: those with problems.
        passed_over: What is wrong with those exports of a folder that are newer than the one that was taken.
    """

    file: str
    governor_id: str | None
    store_id: str
    governors: int
    states: int
    events: int
    documents: int
    written: int
    present: int
    reports: list[ConsistencyReport] = Field(default_factory=list)
    passed_over: list[str] = Field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        """Whether the check behind the import found nothing."""
        return not self.reports
