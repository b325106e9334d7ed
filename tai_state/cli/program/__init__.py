"""What the commands share: how they are made, what they are told before their name, and where their words go.

``app`` is the program itself: the global options, and the one place where errors end. It knows no command;
they are added to it.

``command`` makes commands and groups. Each has examples, whole command lines that the help shows and the tests
run. ``session`` is what a command is given: the global options, and the store that they name, opened to read
(a file that is not there is an error, never made). ``options`` and ``machine_file`` are the kinds of values that
several commands take.

``output`` is the only way to stdout: ``write_list`` for what may be many, in bounded memory however long
it is; ``write_one`` for one thing; ``note`` for the person at the terminal, on stderr. Each makes text harmless
on its way: what a terminal would obey is shown as its escape.

``failures`` maps errors to exit codes. A command raises the library's errors or one of its own
there, and never prints one. It returns an exit code only where the answer itself is one: findings are 1.
"""
