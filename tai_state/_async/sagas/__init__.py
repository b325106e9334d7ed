"""Sagas over a store: runners that begin them, bring them forward and take up what others left (see ``rules.sagas``).

1. A look asks the engine for the sagas that are due of the runner's definitions; each is read again, and judged by the
   store's clock: a lease counts to its very end, a wait from its commit.
2. A saga is taken by the move that begins its next step, on what was found: of several runners one makes it.
3. While it is in hand, heartbeats move the end of its lease, and every move names the claim. One that was lost is left
   where it stands, and nothing more is written of it.
4. A runner that is drained ends the step that is under way, and leaves the saga due at once.
5. What cannot be gone on with here, such as a saga of another definition, is stepped past, and comes again.
"""
