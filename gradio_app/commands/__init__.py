"""Modes of the command line beside the server; one module a mode."""
