"""Lifecycle of one model server, and the servers themselves: SGLang here, one elsewhere, or none."""
