"""The demo: worker processes that are killed at work, others that take over, and a proof that nothing was lost."""
