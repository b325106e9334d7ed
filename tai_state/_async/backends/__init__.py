"""The port over each engine: the half that does I/O. The other half, free of colour, is in ``tai_state.backends``."""
