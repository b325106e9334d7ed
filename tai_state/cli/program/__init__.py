"""What the commands share: how they are made, what they are told before their name, and where their words go.

``app`` is the program itself, and the one place where errors end. It knows no command; they are added to it.

``command`` makes commands and groups. Each has examples, whole command lines that the help shows and the tests
run, and takes the options of ``options`` that every command takes, before its name or behind it. ``session`` is what a
command is given: those options, and the store that they name, opened to read (a file that is not there is an error,
never made). ``machine_file`` reads what several commands are given.

``output`` is the only way to stdout: ``write_list`` for what may be many, in bounded memory however long
it is, drawn by ``tables``; ``write_one`` for one thing; ``note`` for the person at the terminal, on stderr. ``texts``
makes text harmless on its way: what a terminal would obey is shown as its escape. ``waiting`` breaks a silence of two
seconds, and ``streams`` puts something harmless in the place of a stream that is not there.

``failures`` maps errors to exit codes. A command raises the library's errors or one of its own
there, and never prints one. It returns an exit code only where the answer itself is one: findings are 1.
"""
