"""The settings of a program, from one file and the environment: ``tai_state.config.load`` and ``connect(settings=)``.

``keys`` names every key there is and what its value must be, ``sources`` reads what a file and the environment say,
``loading`` decides what holds, and ``model`` is what comes of it. A key that is not known is refused by name, with the
one that was probably meant: a setting that nobody reads is the worst kind.

Nothing here is read by ``connect`` alone: a working directory steers a program only where the program asks for it. The
command line does.
"""
