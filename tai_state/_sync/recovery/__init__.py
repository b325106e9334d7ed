# Generated from tai_state/_async/recovery/__init__.py by .ci/generate_sync.py; do not edit.
"""Verification: every state held against the fold of its events, in bounded memory, beside live writers.

A finding is read again before it is reported: a state may have moved between two reads. Nothing is written.
"""
