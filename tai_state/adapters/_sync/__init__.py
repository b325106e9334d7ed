# Generated from tai_state/adapters/_async/__init__.py by .ci/generate_sync.py; do not edit.
"""What adapters have in both colours; its twin is generated."""
