# Generated from tai_state/testing/_async/__init__.py by .ci/generate_sync.py; do not edit.
"""The test tools that do I/O, written once: the async source of both colours."""
