"""Versions that callers give, at their bounds."""

import pytest

from tai_state.errors import InvalidDataError
from tai_state.models import DeletedVersion
from tai_state.rules.records.arguments import check_version


@pytest.mark.parametrize("version", [0, 1, 2**62, DeletedVersion(3)], ids=int)
def test_a_version_is_a_plain_int(version):
    """Up to the last one that every engine stores."""
    checked = check_version(version, "version")
    assert checked == version
    assert type(checked) is int


@pytest.mark.parametrize("version", [-1, 2**62 + 1, 1.0, True, "1", None], ids=str)
def test_what_is_no_version_is_refused(version):
    """By its name."""
    with pytest.raises(InvalidDataError, match="version") as caught:
        check_version(version, "version")
    assert caught.value.path == "version"
