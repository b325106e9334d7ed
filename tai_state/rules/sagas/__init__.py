"""Sagas: steps that are each done once by their key, or undone in reverse where one of them fails for good.

A saga is a state of a machine that follows from its definition, in a governor of the package's own. What comes next
follows from the state's data alone, and that it is to go on, or that its worker's lease runs, is that it is due
(``rules.due``): nothing else is kept of it, so that what holds for states holds for sagas.

1. A worker begins a step by a move, which has its claim's id, the fence: only the last claim is heard. Its outcome is
   another move. While the worker has the saga it is due when its lease ends, which heartbeats move.
2. A step that was begun and whose worker's lease has ended is begun again, under the same key. So its action may run
   twice, and at once: it is done once by its key, or asks whether the lease still holds.
3. A step that raises has failed: under its key nothing stands. It is tried again as its policy says; then it has failed
   for good, and the saga turns back. It does so, too, between two steps, where somebody asks for it.
4. A step without a definite outcome, one that took longer than it may, say, is compensated as one that has finished,
   and is told so: nothing may have been done, and something may yet be.
5. Going back, the steps that finished are compensated in reverse. A compensation that raises is tried again as its
   policy says; then its error is kept, it is passed over, and the others are done.
6. A step whose workers die again and again has no outcome, and a compensation has failed: nothing goes on for ever.

Invariant: in an ended saga each step that finished is compensated or passed over, or none is; and those that failed or
never began are neither.

Source: Garcia-Molina and Salem, Sagas, 1987.
"""
