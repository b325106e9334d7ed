"""The console: pages for people, under ``/console``, for whoever is in a session.

``application`` serves them: nobody sees more than the page for logging in without a session, every form carries the
session's CSRF token, and every answer a strict Content-Security-Policy. ``login`` begins and ends sessions: by the link
that ``tai-state serve`` prints, which works once, or by a token.
"""
