"""Documents in Redis, or in what speaks its protocol: what both colours share.

All keys of a store begin with its root in braces, so that all of them are in one slot of a cluster. A document is one
string, and its commit one script, which checks every precondition before it writes anything; see ``scripts.py``.
"""
