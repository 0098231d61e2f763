"""A simulated fleet: the head, its nodes and cards, with our own scheduling. ``python -m bench.simulate``."""
