"""Mutated documents of every accepted type through the REST API of a real server."""
