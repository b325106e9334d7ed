"""Ingestion: a log of status changes, checked as a whole, then applied line by line, each exactly once."""
