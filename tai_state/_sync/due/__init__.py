# Generated from tai_state/_async/due/__init__.py by .ci/generate_sync.py; do not edit.
"""Due: workers that make the moves which are due (see ``rules.due``).

1. A look asks, for each key, for what is due until the next look, in the order of time. Nothing else is read.
2. What has come is read again, all of a page as of one moment, whose time is the store's: what is not due by it yet is
   left. So nothing is done early, whatever any host's clock says.
3. A move is decided on that state alone: another one, or another due time, and it is not made. Its commit names the
   update time of the document that was read, so that of many workers one makes it.
4. Not allowed: an event of the kind "refused" ends it. A guard that raises: it is tried again later and later, by a
   mark of the document, and refused after five times.
5. A state that cannot be moved here (a newer definition, damage, somebody's mark) is stepped past, and comes again.
6. A worker that dies leaves nothing behind but what is due.
"""
