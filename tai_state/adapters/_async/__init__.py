"""What adapters have in both colours; its twin is generated."""
