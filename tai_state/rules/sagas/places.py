"""Where sagas are."""

from tai_state.layout import OwnGovernor


def sagas_of(governor_id: object) -> OwnGovernor:
    """Return the governor whose states are the sagas of a user's governor.

    Raises:
        InvalidIdError: It cannot be part of an id.
    """
    return OwnGovernor("sagas", governor_id)  # type: ignore[arg-type]  # it checks
