"""The twin primitives: what differs in kind between the colours, side by side.

``async_foo`` and ``AsyncFoo`` serve the async source, ``foo`` and ``Foo`` the code generated from it. Everything else
is written once.

- ``tasks``: sleeping, shielding a commit, running side by side and on another thread;
- ``waits``: wake-ups and mutual exclusion; ``hearts``: what beats in the background;
- ``backgrounds``: what runs beside its caller until it ends by itself;
- ``iterators``: iterators that end with a block, or whose waits can be interrupted;
- ``interrupts``: where Ctrl-C and SIGTERM may reach a sync call; ``bodies``: functions that a user hands in;
- ``callers``: numbers that tell tasks and threads apart; ``owners``: names that tell the owners of locks apart.
"""
