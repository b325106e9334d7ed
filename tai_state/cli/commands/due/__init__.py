"""``due``: what is to happen to states by itself, and the moves that have come due.

``list`` shows what is due of a machine's states, now or later, in the order of time. ``run --once`` makes the moves
that are due now, which is what a job does that runs by the clock; without ``--once`` it goes on until it is ended.
Machines are given as for ``transition``: a file knows guards and applies by their names only, so that moves which need
them are left to a program that has them.

With ``--json`` each state is an object with the fields of ``DueState``, and ``run --once`` tells how many moves it
made.
"""
