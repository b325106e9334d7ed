# Generated from tai_state/_async/api/__init__.py by .ci/generate_sync.py; do not edit.
"""What users hold in their hands: stores, persisters, transactions and locks.

These classes check arguments, say what they promise, and hand on to the rooms below; no protocol is decided here.
``connect`` is the one place that names backends.
"""
