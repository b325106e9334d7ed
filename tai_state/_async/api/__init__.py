"""What users hold in their hands: stores, persisters, transactions and locks.

These classes check arguments, say what they promise, and hand on to the rooms below; no protocol is decided here.
``connect`` is the one place that names backends.
"""
