# Generated from tai_state/_async/__init__.py by .ci/generate_sync.py; do not edit.
"""The package's I/O, written once: the async source of both colours."""
