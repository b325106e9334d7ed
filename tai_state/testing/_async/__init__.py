"""The test tools that do I/O, written once: the async source of both colours."""
