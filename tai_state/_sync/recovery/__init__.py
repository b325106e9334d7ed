# Generated from tai_state/_async/recovery/__init__.py by .ci/generate_sync.py; do not edit.
"""Door."""
