# Generated from tai_state/_async/backends/__init__.py by .ci/generate_sync.py; do not edit.
"""The port over each engine: the half that does I/O. The other half, free of colour, is in ``tai_state.backends``."""
