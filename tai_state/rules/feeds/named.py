"""Which states an event may be of, by the text of its governor: that of the package's own is a text of users, too."""

from tai_state.errors import InvalidIdError
from tai_state.layout import OwnGovernor, StateLayout, is_own, state_layout


def layouts_named(governor_id: str, state_id: str) -> tuple[StateLayout, ...]:
    """Return where the state is whose events tell these ids: of most there is one place.

    Raises:
        InvalidIdError: One of them cannot be an id.
    """
    given = state_layout(governor_id, state_id)
    if type(governor_id) is not str or not is_own(governor_id):
        return (given,)
    kind, _, name = governor_id[1:].partition(":")
    try:
        return given, state_layout(OwnGovernor(kind, name), state_id)
    except InvalidIdError:
        return (given,)
