"""A Java for the emulator's launcher."""

import pytest

from tests.integration.testing.emulators import make_stand_in


@pytest.fixture(params=["stand-in", pytest.param("java", marks=[pytest.mark.emulator, pytest.mark.more])])
def java(request, monkeypatch, tmp_path_factory):
    """What runs as the emulator: a stand-in that behaves like it to its launcher, and the real one."""
    if request.param == "stand-in":
        home = tmp_path_factory.mktemp("java")
        make_stand_in(home)
        monkeypatch.setenv("JAVA_HOME", str(home))
    return request.param
