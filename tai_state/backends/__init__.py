"""The colour-free halves of the backends: SQL, protobuf, error maps."""
