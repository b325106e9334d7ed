"""Suites that other projects ship for whoever writes an adapter of theirs.

Not here, since there is nothing to point at an adapter: python-statemachine and transitions install no tests, and
those in their repositories make machines of their own and ask these, in memory. What an adapter adds to such a machine
is proven in ``tests/_async/adapters`` and ``tests/integration/adapters``.
"""
