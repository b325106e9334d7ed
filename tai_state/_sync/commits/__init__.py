# Generated from tai_state/_async/commits/__init__.py by .ci/generate_sync.py; do not edit.
"""Door."""
