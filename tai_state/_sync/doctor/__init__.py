# Generated from tai_state/_async/doctor/__init__.py by .ci/generate_sync.py; do not edit.
"""What a store needs that no finding tells of: whether it answers, its clock, its formats, indexes and what grows.

``verify`` holds what is stored against its log; this looks at what everything stands on, and at a bounded part of what
is stored: some states, some hundred documents of a kind. It writes nothing.

A check is a function in a file of its own here that takes an ``Visit`` and gives lines; ``examining`` lists them
in their order, and a new subject adds its own there. What only the engine can tell it tells itself
(``Backend.examine``): the mark of a copied file, indexes, TTL policies, security rules. What they think of what
they saw is decided in ``rules/doctor``.
"""
