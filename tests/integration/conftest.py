"""What tests of several processes share."""

import pytest


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("firestore", marks=pytest.mark.emulator),
        pytest.param("redis", marks=pytest.mark.more),
    ]
)
def url(request):
    """The URL of an empty place that processes share."""
    if request.param == "redis":
        return request.getfixturevalue("redis_url")
    if request.param == "sqlite":
        return f"sqlite:///{request.getfixturevalue('tmp_path') / 'store.db'}"
    return f"firestore://{request.getfixturevalue('tai_state_project')}"
