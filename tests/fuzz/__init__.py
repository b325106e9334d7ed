"""Rubbish for all that reads: each target takes what Hypothesis draws, and lets nothing out but our own errors."""
