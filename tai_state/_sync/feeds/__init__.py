# Generated from tai_state/_async/feeds/__init__.py by .ci/generate_sync.py; do not edit.
"""What has changed since: containers of one value, whose readers are told of each change."""
