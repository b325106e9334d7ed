"""What every test may ask for: the emulator, and a project of its own in it."""

import signal

from hypothesis import settings

pytest_plugins = ["tai_state.testing.fixtures"]

# A busy machine is no defect: pytest-timeout bounds what hangs.
settings.register_profile("tai_state", deadline=None)
settings.load_profile("tai_state")

# A shell starts what runs in the background with Ctrl-C ignored, and every program of a test would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
