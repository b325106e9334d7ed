"""The state that a change rests on, as it was found: in its document, or in its log."""

from tai_state._async.history.reader import AsyncHistoryReader
from tai_state.clock import Deadline
from tai_state.documents import Document
from tai_state.errors import CorruptLogError
from tai_state.layout import StateLayout
from tai_state.rules.commits.change import Head
from tai_state.rules.records.documents import read_state, was_altered


async def async_found_head(
    history: AsyncHistoryReader,
    paths: StateLayout,
    document: Document | None,
    deadline: Deadline,
    *,
    is_lost: bool,
    is_new: bool,
) -> Head | None:
    """Return the state that a change rests on: as its document says, or as its log does.

    1. A sound document: that is it.
    2. An altered one: the change is refused; whoever altered it meant something by it, and is to say so.
    3. A damaged one: what its log tells, if that reaches as far as the document claims to be.
    4. None, and the change needs one, or was refused by an event or a segment: what its log tells, if there is one.
       Where that segment stands, and no event, the change is refused: nobody knows how far the log went.
    5. None, and the change creates the state: none. It is refused where there ever was one, by the first event or
       by the segment in the place of it, and the next attempt looks; where there will be no other, this one does.

    Args:
        document: Of the state, as it was read.
        is_lost: Whether an event, or the segment in the place of the first one, refused the change that rests on it.
        is_new: Whether the change creates the state, and will be tried again.

    Raises:
        CorruptLogError: The log does not determine the state, or stands above a sound document.
    """
    damage = None
    if document is not None:
        try:
            record = read_state(document, paths.governor_id, paths.state_id)
        except CorruptLogError as error:
            if was_altered(error):
                raise
            damage = error
        else:
            if is_lost:
                reason = "an event stands above the state's version"
                raise CorruptLogError(paths.governor_id, paths.state_id, record.version + 1, reason)
            return Head(record, document.update_time)
    elif is_new and not is_lost:
        return None
    rebuilt = await history.restored(paths, document, damage, deadline)
    if rebuilt is None:
        if is_lost:
            reason = "its first segment stands, and none of its events: run recover first"
            raise CorruptLogError(paths.governor_id, paths.state_id, 1, reason)
        return None
    if document is None:
        return Head(rebuilt, None, "missing")
    return Head(rebuilt, document.update_time, "damaged")
