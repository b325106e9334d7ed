"""What every test may ask for: the emulator, and a project of its own in it."""

from hypothesis import settings

pytest_plugins = ["tai_state.testing.fixtures"]

# A busy machine is no defect: pytest-timeout bounds what hangs.
settings.register_profile("tai_state", deadline=None)
settings.load_profile("tai_state")
