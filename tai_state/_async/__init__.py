"""The package's I/O, written once: the async source of both colours."""
