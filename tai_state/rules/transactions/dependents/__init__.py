"""Dependents: whom a change concerns, what they do about it, and the cycles that must not be.

A state that depends on others names them in ``depends_on``; each of those carries a mark of it, so that a move knows
whom it concerns. The marks follow from ``depends_on``: a mark that is missing can be made again.

1. A move that enters another status is a signal to whoever is marked; so are the signals that put it there.
2. A dependent makes the first change that its machine allows in reaction, and moves once in a commit.
3. Marking and reacting go into the commit of the move itself: there is no moment between them.
4. A state may not depend on itself, at once or through others: ``ancestry`` climbs before it is allowed.
"""
