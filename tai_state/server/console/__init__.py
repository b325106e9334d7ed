"""The console: pages for people, under ``/console``, for whoever is in a session.

``application`` serves them: nobody sees more than the page for logging in without a session, every form carries the
session's CSRF token, and every answer a strict Content-Security-Policy. ``login`` begins and ends sessions: by the link
that ``tai-state serve`` prints, which works once, or by a token. The pages themselves are in ``views``, a file each;
``routes`` declares them, so that a test can walk all of them.

Each page tells how many documents it read: ``costs`` counts what a store bills, and reads nothing itself. Lists are
read page by page, in the order of an index, and a number is what the engine counts: none is a scan.

Pages are Jinja's, under ``templates``, which escape whatever they are given. What runs in the browser is one file of
script and one of style, of our own, under ``static``: pages work without the script, which only shows what is new.
"""
