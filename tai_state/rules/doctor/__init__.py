"""What a doctor thinks of what it saw: pure verdicts, a line each, with the command that mends it.

1. ``verdicts``: what of a store as a whole is well: its answer, its clock, leases, what has expired and stays.
2. ``sample``: what some of its states tell of all: formats, schemas, machines, how far maintenance has come.

``ok`` asks for nothing; a ``warning`` works, and wants somebody to look; a ``problem`` is wrong now, or will lose or
refuse something; ``not checkable`` says what would be needed to tell. Nothing is guessed.
"""
