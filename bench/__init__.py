"""Measurements: ours beside a bare pool, MinerU's own services and others, in one run. ``make bench``."""
