"""Shared ground of all packages: errors, settings, clock, logs, files and options. It imports no other."""
