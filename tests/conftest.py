"""What every test may ask for: the emulator, and a project of its own in it."""

pytest_plugins = ["tai_state.testing.fixtures"]
